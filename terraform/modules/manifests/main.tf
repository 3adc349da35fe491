# Applies files as a person would, and once: from then on Argo CD keeps these objects as the branch has them. As resources of
# a provider they would need Argo CD's kinds to be there when the plan is made, and two would write to them for ever.

locals {
  files = sort(fileset(var.folder, var.files))
}

resource "terraform_data" "applied" {
  triggers_replace = var.identity

  # As Argo CD applies them once it is there, and in its name: nothing is left that two would write.
  provisioner "local-exec" {
    working_dir = var.folder
    command     = "kubectl ${var.context == null ? "" : "--context \"$CONTEXT\" "}apply --server-side --force-conflicts --field-manager argocd-controller ${join(" ", formatlist("--filename '%s'", local.files))}"
    environment = {
      KUBECONFIG = abspath(pathexpand(var.kubeconfig))
      CONTEXT    = coalesce(var.context, "-")
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.files) > 0
      error_message = "${var.folder} has no file ${var.files}: run `npm run synth`, or name the folder of a checkout of the published branch."
    }
  }
}
