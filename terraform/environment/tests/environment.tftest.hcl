# `terraform init && terraform test` in this folder, after `npm run synth`: the providers' schemas are needed, nobody's
# account is. It is held against this repository's own configuration, and says nothing that is only true of an example.

mock_provider "aws" {}
mock_provider "dns" {}

run "an_environment_at_a_provider" {
  command = plan
  variables {
    environment = "production"
  }
  assert {
    condition     = length(module.object_storage) == (yamldecode(file("../../config/production.yaml")).objectStorage.engine == "external" ? 1 : 0)
    error_message = "buckets are made where the storage is a provider's"
  }
  assert {
    condition     = alltrue([for name in flatten(module.object_storage[*].buckets) : startswith(name, yamldecode(file("../../config/production.yaml")).objectStorage.external.bucketPrefix)])
    error_message = "got ${jsonencode(module.object_storage[*].buckets)}"
  }
  assert {
    condition     = length(module.dns) == 0
    error_message = "without a zone there are no records"
  }
}

run "with_a_zone" {
  command = plan
  variables {
    environment = "production"
    addresses   = { (yamldecode(file("../../config/production.yaml")).clusters[0].name) = ["192.0.2.1"] }
    dns_zone    = yamldecode(file("../../config/production.yaml")).domain
    dns         = { server = "192.0.2.53", key_name = "terraform.", secret = "bm90IGEgcmVhbCBvbmU=" }
  }
  assert {
    condition     = length(module.dns) == 1
    error_message = "with a zone there are records"
  }
}

run "an_environment_with_storage_of_its_own" {
  command = plan
  variables {
    environment = "development"
  }
  assert {
    condition     = yamldecode(file("../../config/development.yaml")).objectStorage.engine == "external" || length(module.object_storage) == 0
    error_message = "nothing is made at a provider"
  }
}

run "an_environment_that_is_not_there" {
  command = plan
  variables {
    environment = "nowhere"
  }
  expect_failures = [var.environment]
}
