# The token comes as VAULT_TOKEN; it is renewed by whom it belongs to.
seal "transit" {
  address     = "@ENDPOINT@"
  mount_path  = "@MOUNT@/"
  key_name    = "@KEY@"
  tls_ca_cert = "@CA@"
}
