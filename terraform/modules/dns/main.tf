# Records by dynamic update (RFC 2136), which name servers of any maker take. For a provider with an interface of its own
# write a module with the same variables, and name it in ../../environment/main.tf.

locals {
  # The domain below the zone, as part of a record's name: empty where they are the same.
  below = trimsuffix(trimsuffix(var.domain, var.zone), ".")
  names = { for name in keys(var.records) : name => join(".", compact([name == "@" ? "" : name, local.below])) }
}

resource "dns_a_record_set" "this" {
  for_each = var.records

  zone      = "${var.zone}."
  name      = local.names[each.key] == "" ? null : local.names[each.key] # none is the zone itself
  addresses = each.value
  ttl       = var.ttl
}
