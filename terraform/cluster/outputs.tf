output "root" {
  description = "The root Application: its name and namespace, and where it reads."
  value       = module.settings.root
}

output "zones" {
  description = "Zones that the cluster's nodes lie in."
  value       = module.prerequisites.zones
}

output "watch" {
  description = "Command that shows the Applications becoming healthy."
  value       = "kubectl --kubeconfig '${var.kubeconfig}'${var.context == null ? "" : " --context '${var.context}'"} --namespace ${module.settings.root.namespace} get applications --watch"
}
