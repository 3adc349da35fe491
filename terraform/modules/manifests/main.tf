# Applies files as a person would, and once: from then on Argo CD keeps these objects as the branch has them. As resources of
# a provider they would need Argo CD's kinds to be there when the plan is made, and two would write to them for ever.

locals {
  files = sort(fileset(var.folder, var.files))
}

resource "terraform_data" "applied" {
  triggers_replace = var.identity

  # Server-side, for Applications outgrow the annotation of client-side apply. Forced, for these are the fields that Argo CD
  # writes too once it is there, with the same values.
  provisioner "local-exec" {
    working_dir = var.folder
    command     = "kubectl ${var.context == null ? "" : "--context \"$CONTEXT\" "}apply --server-side --force-conflicts ${join(" ", formatlist("--filename '%s'", local.files))}"
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
