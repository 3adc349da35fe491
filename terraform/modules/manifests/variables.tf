variable "folder" {
  description = "Folder of synthesized manifests, one a file."
  type        = string
}

variable "files" {
  description = "Which of them, as a pattern of Terraform's `fileset`."
  type        = string
  default     = "*.yaml"
}

variable "kubeconfig" {
  description = "Path of the kubeconfig."
  type        = string
}

variable "context" {
  description = "Context in the kubeconfig; null for its current one."
  type        = string
  default     = null
}

variable "identity" {
  description = "What the manifests are applied once for; they are applied again when this changes, and only then."
  type        = map(string)
}
