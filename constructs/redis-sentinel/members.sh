# shellcheck shell=sh disable=SC2034
# Who the members are and how to talk to them. Sourced by the other scripts.
NAME='@NAME@'
DOMAIN='@DOMAIN@'
MEMBERS='@MEMBERS@'
MAJORITY='@MAJORITY@'
SELF=$(hostname).$DOMAIN

# password USER: a secret may hold several lines, all accepted; the first is the one in use. To change a password
# without a gap: add the new one as second line, roll, put it first, roll, remove the old one.
password() { head -n 1 "/secrets/$1"; }

# ask USER HOST PORT [COMMAND ...]: the reply, or nothing where nobody answers within 2 s. Probes set LIMIT to nothing:
# the kubelet limits them, and BusyBox' timeout leaves a process behind at each call that Redis, as process 1, never reaps.
LIMIT='timeout 2'
ask() {
  user=$1 host=$2 port=$3
  shift 3
  # shellcheck disable=SC2086 # two words, or none
  REDISCLI_AUTH=$(password "$user") $LIMIT redis-cli --no-auth-warning --user "$user" \
    --tls --cert /tls/tls.crt --key /tls/tls.key --cacert /trust/ca.crt -h "$host" -p "$port" "$@" 2>/dev/null || :
}

# elected ANSWERS: "<epoch> <master>" of the latest election, if at least so many Sentinels answer. The highest epoch
# wins, as it does among Sentinels.
elected() {
  for member in $MEMBERS; do
    ask sentinel "$member.$DOMAIN" 26379 SENTINEL MASTER "$NAME" |
      awk 'NR % 2 { key = $0; next } { value[key] = $0 } END { if ("ip" in value) print value["config-epoch"], value["ip"] }'
  done | sort -rn | awk -v answers="$1" 'NR == 1 { latest = $0 } END { if (NR >= answers) print latest }'
}

# renewed FOLDER DELAY: whether there is a newer certificate than the one in FOLDER, which the program read when it
# started, and this member's turn has come to restart for it. Turns are ten minutes apart, so that a majority stays;
# DELAY sets the two programs of a member apart.
renewed() {
  if [ ! -e "$1/served.crt" ] || cmp -s /tls/tls.crt "$1/served.crt"; then return 1; fi
  member=${SELF%%.*}
  age=$(($(date +%s) - $(date -r /tls/tls.crt +%s)))
  [ "$age" -ge $((${member##*-} * 600 + $2)) ] || return 1
  echo 'the certificate was renewed: restarting to read it'
}

# acl FILE: its users, each with the hashes of its passwords.
acl() {
  while read -r keyword user rules; do
    [ "$keyword" = user ] || continue
    if [ "$user" != default ]; then
      [ -s "/secrets/$user" ] || fail "no password in /secrets/$user"
      while read -r password || [ -n "$password" ]; do
        # Anything else would need a different quoting in each of the files that carry it.
        case $password in '' | *[!A-Za-z0-9_-]*) fail "/secrets/$user: passwords are made of A-Z a-z 0-9 _ -" ;; esac
        rules="$rules #$(printf %s "$password" | sha256sum | cut -c 1-64)"
      done <"/secrets/$user"
    fi
    echo "user $user $rules"
  done <"$1"
}

fail() {
  echo "$*" >&2
  exit 1
}
