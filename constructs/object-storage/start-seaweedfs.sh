#!/bin/sh
# Starts master, volume server, filer and S3 gateway as one process. Who may do what comes from /config/identities (a user
# and its actions per line) and the secret keys from /users; together they exist only in memory.
set -eu
umask 077

{
  printf '{"identities":['
  separator=''
  while read -r user actions; do
    printf '%s{"name":"%s","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":%s}' \
      "$separator" "$user" "$user" "$(cat "/users/$user")" "$actions"
    separator=,
  done < /config/identities
  printf ']}\n'
} > /tmp/identities.json

# The parts name each other by the loopback address, which stays when the pod's own changes. Volumes are small, for every
# bucket begins with several of its own.
exec /usr/bin/weed -logtostderr=true server -dir=/data -ip=127.0.0.1 -ip.bind=0.0.0.0 \
  -master.volumeSizeLimitMB=256 -volume.max=0 -filer -s3 -s3.port=@PORT@ -s3.config=/tmp/identities.json \
  -s3.cert.file=/certs/tls.crt -s3.key.file=/certs/tls.key -metricsPort=@METRICS_PORT@
