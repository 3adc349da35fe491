#!/bin/sh
# Alive is who answers at all.
set -eu
. /config/members.sh
export LIMIT=
[ -n "$(ask probe 127.0.0.1 26379 PING)" ]
