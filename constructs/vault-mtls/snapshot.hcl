# Whoever copies Vault's storage. What it reads is encrypted with keys that only the seal opens.
path "sys/storage/raft/snapshot" { capabilities = ["read"] }
