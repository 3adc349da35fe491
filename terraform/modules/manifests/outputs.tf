output "files" {
  description = "The files that are applied."
  value       = local.files
}
