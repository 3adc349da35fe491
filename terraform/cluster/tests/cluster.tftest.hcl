# `terraform init && terraform test` in this folder, after `npm run synth`: the providers' schemas are needed, no cluster is.
# It is held against this repository's own configuration, and says nothing that is only true of an example.

variables {
  environment = "development"
  cluster     = yamldecode(file("../../config/development.yaml")).clusters[0].name
  kubeconfig  = "main.tf" # any file: nothing reads it
}

mock_provider "helm" {}

# Development is one node in one zone, whatever else is chosen for it.
mock_provider "kubernetes" {
  mock_data "kubernetes_nodes" {
    defaults = {
      nodes = [{ metadata = [{ name = "node", labels = {} }] }]
    }
  }
}

run "reads_where_the_configuration_says" {
  command = plan
  assert {
    condition     = output.root.repository == yamldecode(file("../../config/development.yaml")).delivery.repository && output.root.branch == yamldecode(file("../../config/development.yaml")).delivery.branch
    error_message = "got ${jsonencode(output.root)}"
  }
  assert {
    condition     = kubernetes_namespace_v1.argocd.metadata[0].name == output.root.namespace && helm_release.argocd.namespace == output.root.namespace
    error_message = "Argo CD must be installed where its Applications are"
  }
  assert {
    condition     = length(kubernetes_secret_v1.repository) == 0
    error_message = "a public repository needs no secret"
  }
}

run "argo_cd_starts_with_the_settings_it_will_keep" {
  command = plan
  assert {
    condition = jsonencode(yamldecode(helm_release.argocd.values[0]).configs) == jsonencode({
      for value, name in { cm = "argocd-cm", rbac = "argocd-rbac-cm", params = "argocd-cmd-params-cm" } :
      value => yamldecode(file("../../dist/${var.environment}/${var.cluster}/bootstrap/ConfigMap.${output.root.namespace}.${name}.yaml")).data
    })
    error_message = "the chart and the bootstrap folder must agree, or Helm and Argo CD would undo each other"
  }
}

run "only_the_root_application_is_applied_the_others_come_in_their_waves" {
  command = plan
  assert {
    condition     = [for file in module.bootstrap.files : file if startswith(file, "Application.")] == ["Application.${output.root.namespace}.${output.root.name}.yaml"]
    error_message = "got ${jsonencode(module.bootstrap.files)}"
  }
  assert {
    condition     = length([for file in module.bootstrap.files : file if startswith(file, "AppProject.")]) > 0
    error_message = "got ${jsonencode(module.bootstrap.files)}"
  }
}

run "a_private_repository" {
  command = plan
  variables {
    repository_credentials          = { username = "argocd", password = "not a real one" }
    repository_credentials_revision = 1
  }
  assert {
    condition     = kubernetes_secret_v1.repository[0].metadata[0].labels["argocd.argoproj.io/secret-type"] == "repository" && kubernetes_secret_v1.repository[0].data_wo_revision == 1
    error_message = "Argo CD finds repositories by this label"
  }
}

run "a_key_that_argo_cd_does_not_know" {
  command = plan
  variables {
    repository_credentials = { user = "argocd" }
  }
  expect_failures = [var.repository_credentials]
}

run "an_environment_that_is_not_there" {
  command = plan
  variables {
    environment = "nowhere"
  }
  expect_failures = [var.environment]
}
