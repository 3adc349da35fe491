#!/bin/sh
# server.sh SERVER up | maint | ready: overrides what this pod of the edge holds a pod of the bridge for, such as bridge1. up ends
# the rest that its breaker gave it; maint leaves it alone until ready. For requests and WebSockets alike.
set -eu
case ${2-} in
up) change="health up" ;;
maint | ready) change="state $2" ;;
*)
  echo "usage: server.sh SERVER up | maint | ready, got '$*'" >&2
  exit 2
  ;;
esac
for backend in bridge sockets; do
  # HAProxy answers with an empty line, or with what is wrong.
  answer=$(echo "set server $backend/$1 $change" | nc -w 5 127.0.0.1 @ADMIN_PORT@)
  [ -z "$answer" ] || { echo "$answer" >&2 && exit 1; }
done
