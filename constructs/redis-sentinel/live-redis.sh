#!/bin/sh
# Alive is who answers at all: also one that loads its data or refuses the password, which a restart would not cure.
# Not alive is, by a restart, who shows an old certificate.
set -eu
. /config/members.sh
export LIMIT=
if renewed /run/redis 0; then exit 1; fi
[ -n "$(ask probe 127.0.0.1 6379 PING)" ]
