#!/bin/sh
# Ready is who reaches a majority, so that a rolling restart waits for it before it takes the next member down.
set -eu
. /config/members.sh
export LIMIT=
case $(ask probe 127.0.0.1 26379 SENTINEL CKQUORUM "$NAME") in
  OK*) ;;
  *) exit 1 ;;
esac
