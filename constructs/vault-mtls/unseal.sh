#!/bin/sh
# For development only. Makes the keys of a Vault that has none and keeps them, with the root token, in a Secret beside it;
# opens it with them whenever it is sealed; and lets in the program that configures it. Whoever reads that Secret has
# everything.
set -eu

account=/var/run/secrets/kubernetes.io/serviceaccount
secrets=https://kubernetes.default.svc.@CLUSTER_DOMAIN@/api/v1/namespaces/@NAMESPACE@/secrets
vault=@VAULT@
work=/work

# Tokens go by way of files: arguments can be read by every process of the node.
kubernetes() {
  printf 'Authorization: Bearer %s\nContent-Type: application/json\n' "$(cat $account/token)" > $work/kubernetes
  curl --silent --show-error --cacert $account/ca.crt --header @$work/kubernetes --max-time 20 \
    --output $work/answer --write-out '%{http_code}' "$@"
}

vault() {
  path=$1
  shift
  curl --silent --show-error --cacert @TRUST@ --header @$work/vault --max-time 60 \
    --output $work/answer --write-out '%{http_code}' "$@" "$vault/v1/$path"
}

# field NAME FILE: a string, or the first of a list, from JSON on one line
field() {
  sed -n "s/.*\"$1\": *\[\{0,1\}\"\([^\"]*\)\".*/\1/p" "$2"
}

secret() {
  printf '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"@SECRET@"},"stringData":{"key":"%s","root":"%s"}}' "$1" "$2"
}

initialize() {
  secret none none > $work/body
  case $(kubernetes --data-binary @$work/body "$secrets?dryRun=All") in
    201) ;;
    409) echo 'Vault is empty, and there is a Secret @SECRET@ of a former one: delete it' >&2; return 1 ;;
    *) cat $work/answer >&2; return 1 ;;
  esac
  printf '{"secret_shares":1,"secret_threshold":1}' > $work/body
  [ "$(vault sys/init --request PUT --data-binary @$work/body)" = 200 ] || { cat $work/answer >&2; return 1; }
  field keys_base64 $work/answer > $work/key
  field root_token $work/answer > $work/root
  secret "$(cat $work/key)" "$(cat $work/root)" > $work/made
  until [ "$(kubernetes --data-binary @$work/made "$secrets")" = 201 ]; do
    echo 'the keys are made, and the API server did not take them: again' >&2
    sleep 2
  done
  rm $work/made $work/answer
  rm -f $work/admitted
  echo 'made the keys'
}

# kept NAME: from the Secret as it is mounted, or, where it was made just now, from memory
kept() {
  cat "/unseal/$1" 2>/dev/null || cat "$work/$1" 2>/dev/null || { echo 'Secret @SECRET@ is not there (yet)' >&2; return 1; }
}

unseal() {
  key=$(kept key)
  printf '{"key":"%s"}' "$key" > $work/body
  [ "$(vault sys/unseal --request PUT --data-binary @$work/body)" = 200 ] || { cat $work/answer >&2; return 1; }
  rm $work/body
  echo 'opened'
}

admit() {
  root=$(kept root)
  printf 'X-Vault-Token: %s\n' "$root" > $work/vault
  while read -r path file; do
    case $(vault "$path" --request POST --data-binary @/config/"$file") in
      20?) echo "$path: done" ;;
      *) grep -q 'already in use' $work/answer || { echo "$path: $(cat $work/answer)" >&2; return 1; } ;;
    esac
  done < /config/admission
  : > $work/vault
  touch $work/admitted
}

: > $work/vault
rm -f $work/admitted
while :; do
  # Codes of sys/health: nobody has made keys, sealed, open.
  case $(vault sys/health || true) in
    501) initialize || true ;;
    503) unseal || true ;;
    200) [ -e $work/admitted ] || admit || true ;;
  esac
  sleep "${PAUSE:-3}"
done
