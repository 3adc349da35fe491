#!/bin/sh
# Gives every bucket of /config/buckets its user, the user its rights and the bucket its quota, and removes users that are
# no longer declared. Run again, it writes the same once more. The image has a shell and coreutils, nothing else.
set -eu

# By the environment and standard input: arguments can be read by every process of the node.
address=@ADDRESS@
MC_HOST_s3="https://@ADMINISTRATOR@:$(cat /users/@ADMINISTRATOR@)@$address"
export MC_HOST_s3

# Copied, for a mount inside the folder would leave the folder itself to root.
mkdir -p "$MC_CONFIG_DIR/certs/CAs"
cp /trust/ca.crt "$MC_CONFIG_DIR/certs/CAs"

attempt=1
until mc ready s3 --json > /tmp/answer 2>&1; do
  [ "$attempt" -lt 60 ] || { echo "$address has not been ready for five minutes:" >&2; cat /tmp/answer >&2; exit 1; }
  attempt=$((attempt + 1))
  sleep 5
done

declared=' '
while read -r bucket _versioning quota _purpose; do
  mc --quiet admin policy create s3 "$bucket" "/config/$bucket.rights.json"
  { cat "/users/$bucket"; echo; } | mc --quiet admin user add s3 "$bucket"
  mc --quiet admin policy attach s3 "$bucket" --user "$bucket"
  if [ "$quota" = none ]; then
    mc --quiet quota clear "s3/$bucket"
  else
    mc --quiet quota set "s3/$bucket" --size "$quota"
  fi
  declared="$declared$bucket "
done < /config/buckets

mc --json admin user list s3 > /tmp/users
while read -r line; do
  user=${line#*'"accessKey":"'}
  user=${user%%'"'*}
  case $declared in
    *" $user "*) ;;
    *) mc --quiet admin user remove s3 "$user" ;;
  esac
done < /tmp/users
