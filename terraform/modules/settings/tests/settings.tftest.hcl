# Runs offline: `terraform test` in this folder.

variables {
  config = {
    environment = "production"
    domain      = "lighthouse.example.com"
    delivery    = { repository = "https://git.example.com/platform/lighthouse.git", branch = "dist" }
    clusters = [
      { name = "frankfurt", region = "eu-central-1", role = "primary" },
      { name = "dublin", region = "eu-west-1", role = "standby" },
    ]
    objectStorage = {
      engine = "external"
      external = {
        host         = "s3.example.com"
        port         = 443
        region       = "eu-central-1"
        bucketPrefix = "lighthouse-production-"
        secretStore  = "platform"
        secretPath   = "lighthouse/production/object-storage"
      }
    }
  }
  bootstrap = [
    { kind = "AppProject", metadata = { name = "lighthouse", namespace = "argocd" }, spec = { sourceRepos = [] } },
    { kind = "ConfigMap", metadata = { name = "argocd-cm", namespace = "argocd" }, data = { "timeout.reconciliation" = "60s" } },
    {
      kind     = "ConfigMap"
      metadata = { name = "argocd-notifications-cm", namespace = "argocd" }
      data = {
        "service.webhook.platform" = "url: $address"
        "template.degraded"        = "webhook: {}"
        "trigger.on-degraded"      = "- send: [degraded]"
        subscriptions              = "- triggers: [on-degraded]"
      }
    },
    {
      kind     = "Application"
      metadata = { name = "lighthouse-foundation", namespace = "argocd" }
      spec     = { source = { repoURL = "https://git.example.com/platform/lighthouse.git", targetRevision = "dist", path = "production/frankfurt/foundation" } }
    },
    {
      kind     = "Application"
      metadata = { name = "lighthouse-bootstrap", namespace = "argocd" }
      spec     = { source = { repoURL = "https://git.example.com/platform/lighthouse.git", targetRevision = "dist", path = "production/frankfurt/bootstrap" } }
    },
    # Of a Helm repository: it has a chart and no path.
    {
      kind     = "Application"
      metadata = { name = "operators-cert-manager", namespace = "argocd" }
      spec     = { source = { repoURL = "https://charts.example.com", targetRevision = "v1.0.0", chart = "cert-manager" } }
    },
  ]
  external_secrets = [
    {
      metadata = { name = "s3-backups", annotations = { "lighthouse/bucket" = "lighthouse-production-backups", "lighthouse/rights" = "{\"Statement\": [{\"Effect\": \"Allow\", \"Resource\": \"one\"}]}" } }
      spec     = { data = [{ remoteRef = { key = "lighthouse/production/object-storage/backups" } }] }
    },
    {
      metadata = { name = "s3-administrator", annotations = { "lighthouse/rights" = "{\"Statement\": [{\"Effect\": \"Allow\", \"Resource\": [\"one\", \"two\"]}]}" } }
      spec     = { data = [{ remoteRef = { key = "lighthouse/production/object-storage/administrator" } }] }
    },
    # The other cluster asks for the same bucket's keys, and for an administrator of one more bucket.
    {
      metadata = { name = "s3-backups", annotations = { "lighthouse/bucket" = "lighthouse-production-backups", "lighthouse/rights" = "{\"Statement\": [{\"Effect\": \"Allow\", \"Resource\": \"one\"}]}" } }
      spec     = { data = [{ remoteRef = { key = "lighthouse/production/object-storage/backups" } }] }
    },
    {
      metadata = { name = "s3-administrator", annotations = { "lighthouse/rights" = "{\"Statement\": [{\"Effect\": \"Allow\", \"Resource\": [\"one\", \"three\"]}]}" } }
      spec     = { data = [{ remoteRef = { key = "lighthouse/production/object-storage/administrator" } }] }
    },
    # Somebody else's.
    { metadata = { name = "other" }, spec = { data = [{ remoteRef = { key = "elsewhere" } }] } },
  ]
}

run "the_root_application_says_where_argo_cd_lives_and_reads" {
  command = plan
  variables {
    cluster = "frankfurt"
  }
  assert {
    condition = output.root == {
      namespace  = "argocd"
      name       = "lighthouse-bootstrap"
      repository = "https://git.example.com/platform/lighthouse.git"
      branch     = "dist"
      folder     = "production/frankfurt/bootstrap"
    }
    error_message = "got ${jsonencode(output.root)}"
  }
  assert {
    condition     = output.cluster.region == "eu-central-1" && output.environment == "production" && output.domain == "lighthouse.example.com"
    error_message = "got ${jsonencode(output.cluster)}"
  }
  assert {
    condition = jsonencode(output.argocd_values) == jsonencode({
      global  = { domain = "argocd.lighthouse.example.com" }
      configs = { cm = { "timeout.reconciliation" = "60s" }, rbac = {}, params = {} }
      notifications = {
        notifiers     = { "service.webhook.platform" = "url: $address" }
        templates     = { "template.degraded" = "webhook: {}" }
        triggers      = { "trigger.on-degraded" = "- send: [degraded]" }
        subscriptions = [{ triggers = ["on-degraded"] }]
      }
    })
    error_message = "got ${jsonencode(output.argocd_values)}"
  }
}

run "a_notification_setting_that_the_chart_has_no_place_for" {
  command = plan
  variables {
    bootstrap = [{ kind = "ConfigMap", metadata = { name = "argocd-notifications-cm" }, data = { context = "argocdUrl: x" } }]
  }
  expect_failures = [output.argocd_values]
}

run "each_bucket_and_each_entry_of_the_store_once_with_the_rights_of_all_who_ask" {
  command = plan
  assert {
    condition     = output.object_storage.buckets == toset(["lighthouse-production-backups"])
    error_message = "got ${jsonencode(output.object_storage.buckets)}"
  }
  assert {
    condition     = output.object_storage.endpoint == "https://s3.example.com:443" && output.object_storage.region == "eu-central-1" && output.object_storage.store == "platform"
    error_message = "got ${jsonencode(output.object_storage)}"
  }
  assert {
    condition = { for path, key in output.object_storage.keys : path => [key.user, jsondecode(key.policy).Statement[*].Resource] } == {
      "lighthouse/production/object-storage/backups"       = ["lighthouse-production-backups", ["one"]]
      "lighthouse/production/object-storage/administrator" = ["lighthouse-production-administrator", [["one", "two"], ["one", "three"]]]
    }
    error_message = "got ${jsonencode(output.object_storage.keys)}"
  }
}

run "the_domain_points_to_the_primary" {
  command = plan
  variables {
    addresses = { frankfurt = ["192.0.2.1", "192.0.2.2"], dublin = ["198.51.100.1"] }
  }
  assert {
    condition = jsonencode(output.records) == jsonencode({
      "@"       = ["192.0.2.1", "192.0.2.2"]
      "*"       = ["192.0.2.1", "192.0.2.2"]
      frankfurt = ["192.0.2.1", "192.0.2.2"]
      dublin    = ["198.51.100.1"]
    })
    error_message = "got ${jsonencode(output.records)}"
  }
}

run "without_addresses_no_record" {
  command = plan
  assert {
    condition     = length(output.records) == 0
    error_message = "got ${jsonencode(output.records)}"
  }
}

run "an_environment_with_storage_of_its_own_needs_none" {
  command = plan
  variables {
    config = {
      environment   = "development"
      domain        = "lighthouse.localhost"
      delivery      = { repository = "file:///srv/lighthouse.git", branch = "dist" }
      clusters      = [{ name = "local", role = "primary" }]
      objectStorage = { engine = "minio" }
    }
    external_secrets = []
  }
  assert {
    condition     = output.object_storage == null
    error_message = "got ${jsonencode(output.object_storage)}"
  }
}

run "an_unknown_cluster" {
  command = plan
  variables {
    cluster = "atlantis"
  }
  expect_failures = [var.cluster]
}

run "no_environment_file" {
  command = plan
  variables {
    config = { clusters = [{ name = "frankfurt", role = "primary" }], environment = "production", domain = "example.com" }
  }
  expect_failures = [var.config]
}

run "nothing_synthesized" {
  command = plan
  variables {
    cluster          = "dublin"
    external_secrets = []
  }
  expect_failures = [output.root, output.object_storage]
}

run "a_folder_of_another_configuration" {
  command = plan
  variables {
    cluster = "frankfurt"
    bootstrap = [{
      kind     = "Application"
      metadata = { name = "lighthouse-bootstrap", namespace = "argocd" }
      spec     = { source = { repoURL = "https://git.example.com/somebody/else.git", targetRevision = "dist", path = "production/frankfurt/bootstrap" } }
    }]
    external_secrets = [{
      metadata = { annotations = { "lighthouse/rights" = "{\"Statement\": []}" } }
      spec     = { data = [{ remoteRef = { key = "lighthouse/staging/object-storage/backups" } }] }
    }]
  }
  expect_failures = [output.root, output.object_storage]
}

run "addresses_of_nobody" {
  command = plan
  variables {
    addresses = { atlantis = ["192.0.2.1"] }
  }
  expect_failures = [var.addresses]
}

run "an_address_that_is_a_name" {
  command = plan
  variables {
    addresses = { dublin = ["gateway.example.com"] }
  }
  expect_failures = [var.addresses]
}
