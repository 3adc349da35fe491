#!/bin/sh
# mode.sh [normal | open | read-only | fail-closed]: switches this pod at once, without a reload; says the mode that it is in.
set -eu
admin() { echo "$1" | nc -w 5 127.0.0.1 @ADMIN_PORT@; }
case ${1-} in
'') ;;
normal | open | read-only | fail-closed)
  # For the next start; then for the process that runs.
  echo "mode $1" >/run/haproxy/mode.map
  admin "set map /run/haproxy/mode.map mode $1" >/dev/null
  case $1 in
  normal)
    # What failed before must not end it again at once.
    admin "clear table routes key event-store" >/dev/null
    ;;
  read-only | fail-closed)
    # WebSockets that are open could still write.
    for server in $(seq 1 @SERVERS@); do admin "shutdown sessions server sockets/bridge$server" >/dev/null; done
    ;;
  esac
  ;;
*)
  echo "usage: mode.sh [normal | open | read-only | fail-closed], got '$1'" >&2
  exit 2
  ;;
esac
entry=$(admin 'show map /run/haproxy/mode.map' | grep ' mode ')
mode=${entry##* }
echo "$mode"
[ "$mode" = "${1:-$mode}" ]
