#!/bin/sh
# Vault reads its certificate when it starts and when it is told to: of a renewed one it is told within a minute.
set -eu

certificate=/tls/tls.crt
served=$(sha256sum < "$certificate")

reload_when_renewed() {
  while sleep 60; do
    found=$(sha256sum < "$certificate") || continue
    [ "$found" != "$served" ] || continue
    # This shell has become Vault by then.
    kill -HUP $$
    served=$found
  done
}

reload_when_renewed &
exec vault server -config=/config/vault.hcl
