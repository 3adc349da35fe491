#!/bin/sh
# Takes a snapshot of Vault's storage, encrypted as it lies there, with a token that is for nothing else and ends here.
set -eu

snapshot=/work/vault.snap
VAULT_TOKEN=$(vault write -field=token auth/kubernetes/login role="$ROLE" jwt=@/token/vault)
export VAULT_TOKEN
vault operator raft snapshot save $snapshot
vault token revoke -self > /dev/null

# An archive whose sums are wrong, or with less in it than Vault itself puts there, is none.
vault operator raft snapshot inspect $snapshot > /dev/null
size=$(stat -c %s $snapshot)
if [ "$size" -lt "$MIN_BYTES" ]; then
  echo "the snapshot has $size bytes, and a Vault has at least $MIN_BYTES" >&2
  exit 1
fi
echo "took a snapshot of $size bytes"
