#!/bin/sh
# Sets the quotas of /config/quotas every ten minutes, for buckets may be made at any time; the S3 gateway enforces them.
set -eu
trap 'exit 0' TERM

while :; do
  /usr/bin/weed shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888 < /config/quotas ||
    echo 'quotas: not set, the next try is in ten minutes' >&2
  sleep 600 &
  wait $!
done
