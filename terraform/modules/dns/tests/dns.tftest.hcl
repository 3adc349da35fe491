# `terraform init && terraform test` in this folder: the provider's schema is needed, no name server is.

mock_provider "dns" {}

variables {
  zone    = "example.com"
  domain  = "lighthouse.example.com"
  records = { "@" = ["192.0.2.1"], "*" = ["192.0.2.1"], dublin = ["198.51.100.1"] }
}

run "a_domain_in_a_larger_zone" {
  command = plan
  assert {
    condition     = { for key, record in dns_a_record_set.this : key => record.name } == { "@" = "lighthouse", "*" = "*.lighthouse", dublin = "dublin.lighthouse" }
    error_message = "got ${jsonencode({ for key, record in dns_a_record_set.this : key => record.name })}"
  }
  assert {
    condition     = alltrue([for record in dns_a_record_set.this : record.zone == "example.com."])
    error_message = "the provider wants the dot at the zone's end"
  }
}

run "a_zone_of_its_own" {
  command = plan
  variables {
    zone = "lighthouse.example.com"
  }
  assert {
    condition     = dns_a_record_set.this["@"].name == null && dns_a_record_set.this["dublin"].name == "dublin"
    error_message = "the domain itself has no name in its own zone"
  }
}

run "a_zone_of_somebody_else" {
  command = plan
  variables {
    zone = "elsewhere.example.org"
  }
  expect_failures = [var.domain]
}
