# The keys come as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
seal "awskms" {
  region     = "@REGION@"
  kms_key_id = "@KEY@"
  endpoint   = "@ENDPOINT@"
}
