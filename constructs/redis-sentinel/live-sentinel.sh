#!/bin/sh
# Alive is who answers at all, and with the certificate that is in force.
set -eu
. /config/members.sh
export LIMIT=
if renewed /run/sentinel 300; then exit 1; fi
[ -n "$(ask probe 127.0.0.1 26379 PING)" ]
