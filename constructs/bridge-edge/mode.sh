#!/bin/sh
# mode.sh normal | read-only | fail-closed: switches this pod at once, without a reload.
set -eu
mode=${1-}
case $mode in
normal | read-only | fail-closed) ;;
*)
  echo "usage: mode.sh normal | read-only | fail-closed, got '$mode'" >&2
  exit 2
  ;;
esac
admin() { echo "$1" | nc -w 5 127.0.0.1 @ADMIN_PORT@; }
# For the next start; then for the process that runs.
echo "mode $mode" >/run/haproxy/mode.map
admin "set map /run/haproxy/mode.map mode $mode" >/dev/null
if [ "$mode" != normal ]; then
  # WebSockets that are open could still write.
  for server in $(seq 1 @SERVERS@); do admin "shutdown sessions server sockets/bridge$server" >/dev/null; done
fi
admin 'show map /run/haproxy/mode.map' | grep -q " mode $mode\$"
echo "$mode"
