variable "zone" {
  description = "Zone that the records are in, without the dot at its end."
  type        = string
}

variable "domain" {
  description = "Domain that the records' names are below: the zone itself or something in it."
  type        = string

  validation {
    condition     = var.domain == var.zone || endswith(var.domain, ".${var.zone}")
    error_message = "the domain ${var.domain} must be in the zone ${var.zone}."
  }
}

variable "records" {
  description = "Addresses by name below the domain, @ for the domain itself."
  type        = map(list(string))
}

variable "ttl" {
  description = "Seconds that others may remember a record: how long a failover to another region takes them at least."
  type        = number
  default     = 60
}
