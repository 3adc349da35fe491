#!/bin/sh
# Makes the Secrets listed in /config/users, one per user, each with a password nobody has seen: one line per user with
# the Secret's name, the user's name and the namespaces that get a copy. What is there is left as it is. The service
# account may create Secrets and nothing else, so nothing can be read, compared or overwritten.
set -eu

account=/var/run/secrets/kubernetes.io/serviceaccount
api=https://kubernetes.default.svc.@CLUSTER_DOMAIN@/api/v1/namespaces
work=/work
# The token goes by way of a file: arguments can be read by every process of the node.
printf 'Authorization: Bearer %s\n' "$(cat $account/token)" > $work/headers
printf 'Content-Type: application/json\n' >> $work/headers

# post NAMESPACE [QUERY]: sends $work/body, prints the status code
post() {
  curl --silent --show-error --cacert $account/ca.crt --header @$work/headers --max-time 20 --retry 5 --retry-connrefused \
    --output $work/answer --write-out '%{http_code}' --data-binary @$work/body "$api/$1/secrets${2:-}"
}

refuse() {
  echo "$1" >&2
  cat $work/answer >&2
  exit 1
}

# exists NAMESPACE: asked by a dry run, for there is no right to read
exists() {
  case $(post "$1" '?dryRun=All') in
    409) return 0 ;;
    201) return 1 ;;
    *) refuse "$1: the API server refused a dry run" ;;
  esac
}

while read -r secret user labels namespaces; do
  password=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
  # labels: k=v pairs joined by commas, or "-"
  json_labels=$([ "$labels" = - ] || printf '%s' "$labels" | sed 's/\([^=,]*\)=\([^,]*\)/"\1":"\2"/g')
  printf '{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/basic-auth","metadata":{"name":"%s","labels":{%s}},"stringData":{"username":"%s","password":"%s"}}' \
    "$secret" "$json_labels" "$user" "$password" > $work/body

  there='' missing=''
  for namespace in $namespaces; do
    if exists "$namespace"; then there="$there $namespace"; else missing="$missing $namespace"; fi
  done
  if [ -n "$there" ] && [ -n "$missing" ]; then
    echo "Secret $secret is in$there but not in$missing, and its password cannot be read to copy it." >&2
    echo "Delete it in$there; the next run makes all copies anew, with a new password." >&2
    exit 1
  fi
  if [ -z "$missing" ]; then
    echo "$secret: there already"
    continue
  fi
  for namespace in $missing; do
    # A conflict here is another run of this script: it has the first namespace and makes the others too.
    case $(post "$namespace") in
      201) echo "$secret: made in $namespace" ;;
      409) echo "$secret: made by another run"; break ;;
      *) refuse "$secret: not made in $namespace" ;;
    esac
  done
done < /config/users
