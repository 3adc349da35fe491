seal "gcpckms" {
  credentials = "/seal/credentials.json"
  project     = "@PROJECT@"
  region      = "@REGION@"
  key_ring    = "@KEY_RING@"
  crypto_key  = "@KEY@"
}
