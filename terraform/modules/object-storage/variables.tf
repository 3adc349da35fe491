variable "buckets" {
  description = "Names of the buckets."
  type        = set(string)
}

variable "keys" {
  description = "Keys to make, by their path in the secret store: the user they are of, and its policy as JSON."
  type        = map(object({ user = string, policy = string }))
}

variable "pgp_key" {
  description = "Public key, in base64 or as keybase:NAME, that secret keys are encrypted with; without one they are in the state as they are."
  type        = string
  default     = null
}
