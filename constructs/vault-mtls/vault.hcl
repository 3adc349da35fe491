# One member of Vault. Who it is, it is told by its environment: VAULT_RAFT_NODE_ID, VAULT_API_ADDR, VAULT_CLUSTER_ADDR.

cluster_name = "@CLUSTER@"
log_format   = "json"
log_level    = "info"
ui           = true

# Raft maps its file into memory: locking would pin all of it. Nodes have no swap, as Kubernetes wants it.
disable_mlock = true

# Clients.
listener "tcp" {
  address         = "@ADDRESS@:@HTTPS@"
  cluster_address = "@ADDRESS@:@CLUSTER_PORT@"
  tls_cert_file   = "@TLS@/tls.crt"
  tls_key_file    = "@TLS@/tls.key"
  tls_min_version = "tls12"
}

# Members that join, and Prometheus, which shows no token: only these reach it.
listener "tcp" {
  address         = "@ADDRESS@:@PEER@"
  cluster_address = "@ADDRESS@:@CLUSTER_PORT@"
  tls_cert_file   = "@TLS@/tls.crt"
  tls_key_file    = "@TLS@/tls.key"
  tls_min_version = "tls12"

  telemetry {
    unauthenticated_metrics_access = true
  }
}

storage "raft" {
  path = "@DATA@"

  # Votes at once where all members start together; a follower behind by more is sent a whole snapshot.
  performance_multiplier = 1
@JOIN@}

telemetry {
  prometheus_retention_time = "@RETENTION@"
  disable_hostname          = true
}
