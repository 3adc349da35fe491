# Buckets over the S3 API, users and keys over the IAM API: Amazon's, and those of services that speak both. For another
# provider write a module with the same variables and outputs, and name it in ../../environment/main.tf.
#
# Versioning, lifecycle, policy and tags of the buckets are not here: the platform's own Job writes them, from what its
# services declare, and writes them again whenever that changes.

resource "aws_s3_bucket" "this" {
  for_each = var.buckets
  bucket   = each.value

  lifecycle {
    # Backups: nothing that Terraform does may end them.
    prevent_destroy = true
    ignore_changes  = [tags, tags_all]
  }
}

resource "aws_iam_user" "this" {
  for_each = var.keys
  name     = each.value.user
}

# Not inline: a user's inline policies may have 2,048 characters in all, this kind 6,144.
resource "aws_iam_policy" "this" {
  for_each = var.keys
  name     = each.value.user
  policy   = each.value.policy
}

resource "aws_iam_user_policy_attachment" "this" {
  for_each   = var.keys
  user       = aws_iam_user.this[each.key].name
  policy_arn = aws_iam_policy.this[each.key].arn
}

resource "aws_iam_access_key" "this" {
  for_each = var.keys
  user     = aws_iam_user.this[each.key].name
  pgp_key  = var.pgp_key
}
