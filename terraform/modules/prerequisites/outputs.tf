# What the synthesizer took for granted when it proved that everything fits. The cluster itself is yours, made by whatever
# makes your clusters; this is the interface.

output "zones" {
  description = "Zones that the nodes lie in."
  value       = sort(distinct(compact(var.nodes[*].zone)))

  precondition {
    condition     = length(var.nodes) >= var.cluster.nodes.count
    error_message = "cluster ${var.cluster.name} has ${length(var.nodes)} node(s), its configuration counts on ${var.cluster.nodes.count}: add nodes, or correct nodes.count."
  }
  # With one zone, nothing is spread, and small clusters label no zone.
  precondition {
    condition     = length(var.cluster.zones) == 1 || length(setsubtract(var.cluster.zones, compact(var.nodes[*].zone))) == 0
    error_message = "cluster ${var.cluster.name} has no node labelled topology.kubernetes.io/zone=${join(", ", setsubtract(var.cluster.zones, compact(var.nodes[*].zone)))}: members that must lie in different zones would stay pending."
  }
}
