#!/bin/sh
# Starts HAProxy in the mode that the operators' ConfigMap names, or that it was in before its container restarted.
set -eu
umask 077
mode=$(cat /mode/mode 2>/dev/null || echo normal)
echo "$mode" >/run/haproxy/followed
[ -s /run/haproxy/mode.map ] || echo "mode $mode" >/run/haproxy/mode.map
cat /tls/tls.crt >/run/haproxy/served.crt
echo $$ >/run/haproxy/pid
exec haproxy -W -db -f /config/haproxy.cfg
