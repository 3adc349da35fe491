#!/bin/sh
# Starts HAProxy in the mode that the operators' ConfigMap names; where that says nothing new since its container last ran, in
# the mode that it was in.
set -eu
umask 077
mode=$(cat /mode/mode 2>/dev/null || echo normal)
if [ "$mode" != "$(cat /run/haproxy/followed 2>/dev/null)" ]; then
  echo "mode $mode" >/run/haproxy/mode.map
  echo "$mode" >/run/haproxy/followed
fi
cat /tls/tls.crt >/run/haproxy/served.crt
echo $$ >/run/haproxy/pid
exec haproxy -W -db -f /config/haproxy.cfg
