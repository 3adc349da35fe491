output "buckets" {
  description = "Names of the buckets, once they are there."
  value       = one(module.object_storage[*].buckets)
}

output "keys" {
  description = "What belongs into the secret store, by path."
  sensitive   = true
  value       = one(module.object_storage[*].keys)
}

output "secret_store" {
  description = "The ClusterSecretStore that the platform reads them from."
  value       = try(module.settings.object_storage.store, null)
}

output "records" {
  description = "DNS records below the domain, for whoever makes them elsewhere."
  value       = { domain = module.settings.domain, records = module.settings.records }
}
