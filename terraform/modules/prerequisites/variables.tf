variable "cluster" {
  description = "The cluster as configured: its zones and nodes."
  type = object({
    name  = string
    zones = list(string)
    nodes = object({ count = number })
  })
}

variable "nodes" {
  description = "The cluster's nodes as they are: the zone each is labelled with, null where it has none."
  type        = list(object({ name = string, zone = optional(string) }))
}
