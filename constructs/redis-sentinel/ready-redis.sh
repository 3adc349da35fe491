#!/bin/sh
# Ready is who serves: the master, or a replica whose link to the master is up.
set -eu
. /config/members.sh
export LIMIT=
reply=$(printf 'PING\nINFO replication\n' | ask probe 127.0.0.1 6379)
case $reply in
  PONG*role:master* | PONG*master_link_status:up*) ;;
  *) exit 1 ;;
esac
