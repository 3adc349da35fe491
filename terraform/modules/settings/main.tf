# Everything that the other modules are told, worked out from the files that the synthesizer reads and writes. There is no
# provider here, so that all of it is tested offline.

locals {
  cluster = one([for each in var.config.clusters : each if each.name == var.cluster])

  # The root Application is the one that syncs the folder it lies in.
  folder = "${var.config.environment}/${coalesce(var.cluster, "-")}/bootstrap"
  root   = one([for each in var.bootstrap : each if each.kind == "Application" && try(each.spec.source.path, "") == local.folder])

  # The ConfigMaps' data by name: any of them may be missing.
  settings = merge(
    { for name in ["argocd-cm", "argocd-rbac-cm", "argocd-cmd-params-cm", "argocd-notifications-cm"] : name => {} },
    { for each in var.bootstrap : each.metadata.name => try(each.data, {}) if each.kind == "ConfigMap" },
  )
  notifications = local.settings["argocd-notifications-cm"]

  external = try(var.config.objectStorage.external, null)
  # One row a request for keys: the entry of the store, the rights they need and, for a bucket's consumer, the bucket.
  requests = [
    for each in var.external_secrets : {
      path   = each.spec.data[0].remoteRef.key
      bucket = try(each.metadata.annotations["lighthouse/bucket"], null)
      rights = jsondecode(each.metadata.annotations["lighthouse/rights"])
    } if can(each.metadata.annotations["lighthouse/rights"])
  ]
  paths = toset(local.requests[*].path)

  primary = one([for each in var.config.clusters : each.name if each.role == "primary"])
}
