variable "config" {
  description = "config/<environment>.yaml, decoded."
  type        = any

  validation {
    condition     = can([var.config.environment, var.config.domain, var.config.delivery.repository, var.config.delivery.branch, var.config.clusters[0].name])
    error_message = "config must be a decoded environment file: it has no environment, domain, delivery or clusters."
  }
}

variable "cluster" {
  description = "Name of one of the environment's clusters; null where the environment as a whole is meant."
  type        = string
  default     = null

  validation {
    condition     = var.cluster == null ? true : contains(var.config.clusters[*].name, var.cluster)
    error_message = "cluster must be one of ${join(", ", var.config.clusters[*].name)}, as ${var.config.environment}.yaml names them."
  }
}

variable "bootstrap" {
  description = "The manifests in dist/<environment>/<cluster>/bootstrap, decoded."
  type        = any
  default     = []
}

variable "external_secrets" {
  description = "The ExternalSecrets of all clusters of the environment, decoded."
  type        = any
  default     = []
}

variable "addresses" {
  description = "Public addresses of each cluster's gateway, by the cluster's name; clusters without one get no record."
  type        = map(list(string))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.addresses), var.config.clusters[*].name)) == 0
    error_message = "addresses must be by cluster: ${join(", ", var.config.clusters[*].name)}; got ${join(", ", keys(var.addresses))}."
  }
  validation {
    condition     = alltrue([for address in flatten(values(var.addresses)) : can(regex("^([0-9]{1,3}\\.){3}[0-9]{1,3}$", address))])
    error_message = "addresses must be IPv4 addresses; got ${join(", ", flatten(values(var.addresses)))}."
  }
}
