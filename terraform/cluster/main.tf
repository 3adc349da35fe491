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

resource "helm_release" "argocd" {
  # Argo CD looks for its own parts at argocd-repo-server, argocd-redis ...
  name       = "argocd"
  namespace  = kubernetes_namespace_v1.argocd.metadata[0].name
  repository = "https://argoproj.github.io/argo-helm"
  chart      = "argo-cd"
  version    = "10.9.1" # Argo CD v3.5.3

  timeout = 600
  # The chart makes the ConfigMaps that Argo CD cannot start without, with the values that the bootstrap folder has for them:
  # when Argo CD then keeps them as the folder has them, nothing changes. What is only the chart's, or yours, stays.
  values = concat([yamlencode(module.settings.argocd_values)], var.argocd_values)

  depends_on = [kubernetes_secret_v1.repository]
}

# What a person would apply: settings, projects and the root Application, and not the others, which the root makes in their
# waves. From then on Argo CD syncs these very objects.
module "bootstrap" {
  source     = "../modules/manifests"
  folder     = local.folder
  files      = "{ConfigMap.*,AppProject.*,Application.${module.settings.root.namespace}.${module.settings.root.name}}.yaml"
  kubeconfig = var.kubeconfig
  context    = var.context
  identity = merge(module.settings.root, {
    cluster = kubernetes_namespace_v1.argocd.metadata[0].uid
  })

  depends_on = [helm_release.argocd]
}
