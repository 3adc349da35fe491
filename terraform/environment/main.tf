# Once per environment, for all its clusters: buckets, their keys and DNS records. State per environment.

locals {
  folder = "${var.dist}/${var.environment}"
}

module "settings" {
  source    = "../modules/settings"
  config    = yamldecode(file("${path.root}/../../config/${var.environment}.yaml"))
  addresses = var.addresses
  external_secrets = [
    for each in fileset(local.folder, "*/*/ExternalSecret.*.yaml") : yamldecode(file("${local.folder}/${each}"))
  ]
}

# Who may make buckets and users: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment that Terraform runs in.
provider "aws" {
  region = try(module.settings.object_storage.region, "none")

  # Services other than Amazon's have neither its metadata nor its accounts.
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  endpoints {
    s3  = try(module.settings.object_storage.endpoint, null)
    iam = var.iam_endpoint
  }
}

module "object_storage" {
  count   = module.settings.object_storage == null ? 0 : 1
  source  = "../modules/object-storage"
  buckets = module.settings.object_storage.buckets
  keys    = module.settings.object_storage.keys
  pgp_key = var.pgp_key
}

provider "dns" {
  dynamic "update" {
    for_each = var.dns == null ? [] : [var.dns]
    content {
      server        = update.value.server
      key_name      = update.value.key_name
      key_algorithm = update.value.algorithm
      key_secret    = update.value.secret
    }
  }
}

module "dns" {
  count   = var.dns_zone == null ? 0 : 1
  source  = "../modules/dns"
  zone    = var.dns_zone
  domain  = module.settings.domain
  records = module.settings.records
}
