#!/bin/sh
# Copies the log of events to object storage: what was rotated first, so that at no moment the copy has less than the volume
# had. The live log is copied as far as it is written; a record that was cut in half is the last, and readers stop before it.
set -eu

copy() {
  aws --endpoint-url "$BACKUP_ENDPOINT" --cli-connect-timeout 5 --cli-read-timeout 60 \
    s3 sync --no-progress --exclude '*' --include "$1" "$EVENTS" "s3://$BACKUP_BUCKET/$BACKUP_PREFIX"
}

copy 'events_??????-*.log.gz'
copy 'events_??????.log'
