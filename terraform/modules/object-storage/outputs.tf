output "buckets" {
  description = "Names of the buckets, once they are there."
  value       = [for each in aws_s3_bucket.this : each.bucket]
}

output "keys" {
  description = "What belongs into the secret store, by path: accessKey and secretKey; with a PGP key encryptedSecretKey instead."
  sensitive   = true
  value = {
    for path, key in aws_iam_access_key.this : path => merge(
      { accessKey = key.id },
      var.pgp_key == null ? { secretKey = key.secret } : { encryptedSecretKey = key.encrypted_secret },
    )
  }
}
