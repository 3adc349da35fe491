variable "environment" {
  description = "Environment, as config/<environment>.yaml is named."
  type        = string

  validation {
    condition     = fileexists("${path.root}/../../config/${var.environment}.yaml")
    error_message = "there is no config/${var.environment}.yaml."
  }
}

variable "cluster" {
  description = "Cluster, as the environment's configuration names it."
  type        = string
}

variable "kubeconfig" {
  description = "Path of the kubeconfig of the cluster, made by whatever makes your clusters."
  type        = string

  validation {
    condition     = fileexists(pathexpand(var.kubeconfig))
    error_message = "there is no file ${var.kubeconfig}."
  }
}

variable "context" {
  description = "Context in the kubeconfig; null for its current one."
  type        = string
  default     = null
}

variable "dist" {
  description = "Folder of manifests: dist/ of this repository, or a checkout of the published branch."
  type        = string
  default     = "../../dist"
}

variable "repository_credentials" {
  description = <<-EOT
    What Argo CD needs to read the repository, by the names that its repository secrets have: username and password,
    sshPrivateKey, or githubAppID, githubAppInstallationID and githubAppPrivateKey. Never kept in plan or state. Give it as
    TF_VAR_repository_credentials, not on the command line.
  EOT
  type        = map(string)
  default     = {}
  ephemeral   = true
  sensitive   = true

  validation {
    condition = length(setsubtract(keys(var.repository_credentials), [
      "username", "password", "sshPrivateKey", "githubAppID", "githubAppInstallationID", "githubAppPrivateKey",
      "githubAppEnterpriseBaseUrl", "tlsClientCertData", "tlsClientCertKey",
    ])) == 0
    error_message = "repository_credentials has a key that Argo CD does not read from a repository secret."
  }
}

variable "repository_credentials_revision" {
  description = "0 where the repository is public; otherwise a number to raise whenever the credentials change, for Terraform keeps none to compare."
  type        = number
  default     = 0

  validation {
    condition     = var.repository_credentials_revision >= 0 && floor(var.repository_credentials_revision) == var.repository_credentials_revision
    error_message = "repository_credentials_revision must be a whole number, 0 or more."
  }
}

variable "argocd_values" {
  description = "More values for Argo CD's chart, each a YAML document: replicas, ingress, single sign-on ..."
  type        = list(string)
  default     = []
}
