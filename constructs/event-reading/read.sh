#!/bin/sh
# Run by a person: psql, with a login that Vault lends for as long as this runs, and for an hour at the most. Arguments are psql's.
set -eu

at=${DESK:-/desk}/$$
exec 9> "$at.new"
flock 9
mv "$at.new" "$at.ask"
trap 'rm -f "$at.ask" "$at.login" "$at.refused"' EXIT
trap 'exit 1' HUP INT TERM

tries=0
until [ -e "$at.login" ]; do
  if [ -e "$at.refused" ]; then
    cat "$at.refused" >&2
    exit 1
  fi
  tries=$((tries + 1))
  if [ "$tries" -gt 300 ]; then
    echo 'nobody answered within a minute: the log of container lend says why' >&2
    exit 1
  fi
  sleep 0.2
done

{
  read -r PGUSER
  read -r PGPASSWORD
} < "$at.login"
rm "$at.login"
export PGUSER PGPASSWORD
# What psql starts must not keep the lock: who has it keeps the login.
psql -X "$@" 9>&-
