
  retry_join {
    leader_api_addr       = "https://@HOST@:@PEER@"
    leader_tls_servername = "@HOST@"
    leader_ca_cert_file   = "@TRUST@"
  }
