#!/bin/sh
# Run once by a person, in a member, with a root token on standard input: lets in the program that configures Vault, and has
# every request written down; then the token is taken away. Running it again with another changes nothing.
set -eu

read -r VAULT_TOKEN || [ -n "$VAULT_TOKEN" ]
export VAULT_TOKEN

while read -r path file; do
  if answer=$(vault write "$path" @/config/"$file" 2>&1); then
    echo "$path: done"
  else
    case $answer in
      *'already in use'*) echo "$path: there already" ;;
      *) printf '%s: %s\n' "$path" "$answer" >&2; exit 1 ;;
    esac
  fi
done < /config/admission

vault token revoke -self
