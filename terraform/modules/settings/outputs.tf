output "environment" {
  description = "The environment's name."
  value       = var.config.environment
}

output "domain" {
  description = "Domain that the environment is reached under."
  value       = var.config.domain
}

output "cluster" {
  description = "The cluster as configured; null where none was named."
  value       = local.cluster
}

output "root" {
  description = "What the root Application says of itself: Argo CD's namespace, and where it reads."
  value = try({
    namespace  = local.root.metadata.namespace
    name       = local.root.metadata.name
    repository = local.root.spec.source.repoURL
    branch     = local.root.spec.source.targetRevision
    folder     = local.root.spec.source.path
  }, null)

  precondition {
    condition     = var.cluster == null || local.root != null
    error_message = "dist/${local.folder} has no root Application: run `npm run synth`, or name the folder of a checkout of the published branch."
  }
  precondition {
    condition     = local.root == null || try(local.root.spec.source.repoURL == var.config.delivery.repository && local.root.spec.source.targetRevision == var.config.delivery.branch, false)
    error_message = "dist/${local.folder} syncs another repository or branch than the configuration names (${var.config.delivery.repository}, ${var.config.delivery.branch}): run `npm run synth`."
  }
}

output "argocd_values" {
  description = "Values for Argo CD's chart, so that Argo CD starts with the settings that the bootstrap folder will keep."
  value = {
    global = { domain = "argocd.${var.config.domain}" }
    configs = {
      cm     = local.settings["argocd-cm"]
      rbac   = local.settings["argocd-rbac-cm"]
      params = local.settings["argocd-cmd-params-cm"]
    }
    notifications = {
      notifiers     = { for key, value in local.notifications : key => value if startswith(key, "service.") }
      templates     = { for key, value in local.notifications : key => value if startswith(key, "template.") }
      triggers      = { for key, value in local.notifications : key => value if startswith(key, "trigger.") }
      subscriptions = yamldecode(lookup(local.notifications, "subscriptions", "[]"))
    }
  }

  precondition {
    condition     = alltrue([for key in keys(local.notifications) : can(regex("^(service|template|trigger)\\.|^subscriptions$", key))])
    error_message = "argocd-notifications-cm has a key that Argo CD's chart has no value for: ${join(", ", keys(local.notifications))}."
  }
}

output "object_storage" {
  description = "The provider's S3 service, its buckets, and the keys that the clusters ask for by path of the secret store; null where the environment runs its own."
  value = local.external == null ? null : {
    endpoint = "https://${local.external.host}:${local.external.port}"
    region   = local.external.region
    store    = local.external.secretStore
    buckets  = toset(compact(local.requests[*].bucket))
    keys = {
      for path in local.paths : path => {
        # Users of a provider share one space of names with everybody else's.
        user = "${local.external.bucketPrefix}${basename(path)}"
        policy = jsonencode({
          Version   = "2012-10-17"
          Statement = distinct(flatten([for each in local.requests : each.rights.Statement if each.path == path]))
        })
      }
    }
  }

  precondition {
    condition     = local.external == null || length(local.requests) > 0
    error_message = "dist/${var.config.environment} asks for no keys of object storage: run `npm run synth`, or name the folder of a checkout of the published branch."
  }
  precondition {
    condition     = local.external == null || alltrue([for path in local.paths : startswith(path, "${local.external.secretPath}/")])
    error_message = "dist/${var.config.environment} asks for keys outside ${try(local.external.secretPath, "")}: it is of another configuration, run `npm run synth`."
  }
}

output "records" {
  description = "DNS records of type A below the domain: the domain itself (@) and all below it at the primary cluster, and each cluster by its name."
  value = merge(
    { for name, addresses in var.addresses : name => addresses if length(addresses) > 0 },
    { for name in ["@", "*"] : name => var.addresses[local.primary] if length(lookup(var.addresses, local.primary, [])) > 0 },
  )
}
