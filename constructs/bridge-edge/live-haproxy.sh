#!/bin/sh
# Alive is who answers. On the way it follows what may change while it runs: the mode that the process entered by itself, which
# a reload would forget; a renewed certificate by a reload that drops nobody; the operators' ConfigMap by its mode.
set -eu
entered=$(/bin/sh /config/mode.sh || true)
if [ -n "$entered" ] && [ "mode $entered" != "$(cat /run/haproxy/mode.map)" ]; then
  /bin/sh /config/mode.sh "$entered"
fi
if ! cmp -s /tls/tls.crt /run/haproxy/served.crt; then
  cat /tls/tls.crt >/run/haproxy/served.crt
  kill -USR2 "$(cat /run/haproxy/pid)"
fi
mode=$(cat /mode/mode 2>/dev/null || echo normal)
if [ "$mode" != "$(cat /run/haproxy/followed)" ]; then
  # Whatever is no mode is the one that lets nobody in.
  /bin/sh /config/mode.sh "$mode" || /bin/sh /config/mode.sh fail-closed
  echo "$mode" >/run/haproxy/followed
fi
printf 'GET /healthz HTTP/1.0\r\n\r\n' | nc -w 2 127.0.0.1 @HTTP_PORT@ | grep -q ' 200 '
