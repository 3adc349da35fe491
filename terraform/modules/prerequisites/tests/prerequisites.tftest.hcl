# Runs offline: `terraform test` in this folder.

variables {
  cluster = { name = "frankfurt", zones = ["a", "b", "c"], nodes = { count = 3 } }
  nodes   = [{ name = "one", zone = "a" }, { name = "two", zone = "b" }, { name = "three", zone = "c" }]
}

run "as_configured" {
  command = plan
  assert {
    condition     = output.zones == tolist(["a", "b", "c"])
    error_message = "got ${jsonencode(output.zones)}"
  }
}

run "one_zone_needs_no_label" {
  command = plan
  variables {
    cluster = { name = "local", zones = ["a"], nodes = { count = 1 } }
    nodes   = [{ name = "one" }]
  }
}

run "too_few_nodes" {
  command = plan
  variables {
    cluster = { name = "frankfurt", zones = ["a", "b", "c"], nodes = { count = 4 } }
  }
  expect_failures = [output.zones]
}

run "a_zone_without_a_node" {
  command = plan
  variables {
    nodes = [{ name = "one", zone = "a" }, { name = "two", zone = "b" }, { name = "three" }]
  }
  expect_failures = [output.zones]
}
