variable "environment" {
  description = "Environment, as config/<environment>.yaml is named."
  type        = string

  validation {
    condition     = fileexists("${path.root}/../../config/${var.environment}.yaml")
    error_message = "there is no config/${var.environment}.yaml."
  }
}

variable "dist" {
  description = "Folder of manifests: dist/ of this repository, or a checkout of the published branch."
  type        = string
  default     = "../../dist"
}

variable "iam_endpoint" {
  description = "URL of the provider's IAM service, which makes users and keys; null for Amazon's."
  type        = string
  default     = null
}

variable "pgp_key" {
  description = "Public key, in base64 or as keybase:NAME, that secret keys are encrypted with; without one they are in the state as they are."
  type        = string
  default     = null
}

variable "addresses" {
  description = "Public addresses of each cluster's gateway, by the cluster's name; clusters without one get no record."
  type        = map(list(string))
  default     = {}
}

variable "dns" {
  description = <<-EOT
    Name server that takes updates, the zone on it, and its TSIG key; null to make no records. Give it as TF_VAR_dns: the
    key is a secret. Never kept in plan or state.
  EOT
  type = object({
    server    = string
    key_name  = string
    algorithm = optional(string, "hmac-sha256")
    secret    = string
  })
  default   = null
  ephemeral = true
  sensitive = true
}

variable "dns_zone" {
  description = "Zone that the domain is in; null to make no records."
  type        = string
  default     = null
}
