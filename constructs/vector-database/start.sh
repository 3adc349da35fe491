#!/bin/sh
# Runs Weaviate and ends it gracefully when its certificate has been renewed: it reads the certificate only when it
# starts. Members do so in turn, so that a majority stays. Arguments go to Weaviate.
set -eu

certificate=/tls/tls.crt
pause=@PAUSE_SECONDS@

served=$(cat "$certificate")
/bin/weaviate "$@" &
server=$!
trap 'kill -TERM "$server"' TERM INT

restart_when_renewed() {
  while [ "$(cat "$certificate")" = "$served" ]; do sleep 60; done
  pod=$(hostname)
  turn=$((${pod##*-} * pause))
  echo "certificate renewed: restarting in $turn seconds"
  sleep "$turn"
  kill -TERM "$server"
}
restart_when_renewed &

# A signal ends `wait` before the server has ended; the server's own status comes with a later one.
status=0
wait "$server" || status=$?
while kill -0 "$server" 2> /dev/null; do
  status=0
  wait "$server" || status=$?
done
exit "$status"
