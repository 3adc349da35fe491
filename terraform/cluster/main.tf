# Once per cluster: what must be there before Argo CD can look after itself. State per cluster.

locals {
  folder = "${var.dist}/${var.environment}/${var.cluster}/bootstrap"
}

module "settings" {
  source    = "../modules/settings"
  config    = yamldecode(file("${path.root}/../../config/${var.environment}.yaml"))
  cluster   = var.cluster
  bootstrap = [for each in fileset(local.folder, "*.yaml") : yamldecode(file("${local.folder}/${each}"))]
}

provider "kubernetes" {
  config_path    = var.kubeconfig
  config_context = var.context
}

provider "helm" {
  kubernetes = {
    config_path    = var.kubeconfig
    config_context = var.context
  }
}

data "kubernetes_nodes" "all" {}

# Reading fails where there is no such class.
data "kubernetes_storage_class_v1" "volumes" {
  metadata {
    name = module.settings.cluster.storageClass
  }
}

module "prerequisites" {
  source  = "../modules/prerequisites"
  cluster = module.settings.cluster
  nodes = [
    for each in data.kubernetes_nodes.all.nodes : {
      name = each.metadata[0].name
      zone = lookup(each.metadata[0].labels, "topology.kubernetes.io/zone", null)
    }
  ]
}

resource "kubernetes_namespace_v1" "argocd" {
  metadata {
    name = module.settings.root.namespace
  }

  # Everything Argo CD knows is in it.
  lifecycle {
    prevent_destroy = true
  }

  depends_on = [module.prerequisites]
}

resource "kubernetes_secret_v1" "repository" {
  count = var.repository_credentials_revision > 0 ? 1 : 0

  metadata {
    name      = "${module.settings.root.name}-repository"
    namespace = kubernetes_namespace_v1.argocd.metadata[0].name
    labels    = { "argocd.argoproj.io/secret-type" = "repository" }
  }
  data_wo = merge(
    { type = "git", url = module.settings.root.repository },
    var.repository_credentials,
  )
  data_wo_revision = var.repository_credentials_revision
}

# Before Argo CD: it does not start without argocd-cm, and reads its parameters when it starts.
module "argocd_settings" {
  count      = length(module.settings.config_maps) > 0 ? 1 : 0
  source     = "../modules/manifests"
  folder     = local.folder
  files      = "ConfigMap.*.yaml"
  kubeconfig = var.kubeconfig
  context    = var.context
  identity   = { namespace = kubernetes_namespace_v1.argocd.metadata[0].uid }
}

resource "helm_release" "argocd" {
  name       = "argocd"
  namespace  = kubernetes_namespace_v1.argocd.metadata[0].name
  repository = "https://argoproj.github.io/argo-helm"
  chart      = "argo-cd"
  version    = "10.9.1" # Argo CD v3.5.3

  timeout = 600
  # What the bootstrap folder brings, the chart must not: Helm and Argo CD would undo each other.
  values = concat([yamlencode({
    configs = {
      cm     = { create = !contains(module.settings.config_maps, "argocd-cm") }
      params = { create = !contains(module.settings.config_maps, "argocd-cmd-params-cm") }
      rbac   = { create = !contains(module.settings.config_maps, "argocd-rbac-cm") }
    }
    notifications = { cm = { create = !contains(module.settings.config_maps, "argocd-notifications-cm") } }
  })], var.argocd_values)

  depends_on = [module.argocd_settings, kubernetes_secret_v1.repository]
}

# The root Application and what it stands on; it syncs the rest, and these very objects from then on.
module "bootstrap" {
  source     = "../modules/manifests"
  folder     = local.folder
  kubeconfig = var.kubeconfig
  context    = var.context
  identity = merge(module.settings.root, {
    cluster = kubernetes_namespace_v1.argocd.metadata[0].uid
  })

  depends_on = [helm_release.argocd]
}
