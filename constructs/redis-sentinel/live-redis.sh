#!/bin/sh
# Alive is who answers at all: also one that loads its data or refuses the password, which a restart would not cure.
set -eu
. /config/members.sh
export LIMIT=
[ -n "$(ask probe 127.0.0.1 6379 PING)" ]
