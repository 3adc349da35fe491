#!/bin/sh
# Copies the snapshot to object storage, under the moment it was taken, and looks whether all of it is there.
set -eu

snapshot=/work/vault.snap
key=$BACKUP_PREFIX/vault-$(date -u +%Y-%m-%dT%H-%M-%SZ).snap
size=$(stat -c %s $snapshot)

s3() {
  aws --endpoint-url "$BACKUP_ENDPOINT" --cli-connect-timeout 5 --cli-read-timeout 60 "$@"
}

s3 s3 cp --no-progress $snapshot "s3://$BACKUP_BUCKET/$key"
kept=$(s3 s3api head-object --bucket "$BACKUP_BUCKET" --key "$key" --query ContentLength --output text)
if [ "$kept" != "$size" ]; then
  echo "s3://$BACKUP_BUCKET/$key has $kept bytes of $size" >&2
  exit 1
fi
echo "kept $size bytes as $key"
