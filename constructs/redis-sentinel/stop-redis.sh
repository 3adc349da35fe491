#!/bin/sh
# Hands the lead over before this member stops: nothing acknowledged is lost, and nobody waits for the Sentinels to notice.
set -eu
. /config/members.sh

replication() { ask sentinel 127.0.0.1 6379 INFO replication | tr -d '\r'; }

# Whether every connected replica has everything (and there is one).
caught_up() {
  replication | awk -F '[:=,]' '
    /^slave[0-9]/ { if (/state=online/) { online++; for (i = 1; i < NF; i++) if ($i == "offset") seen[$(i + 1)] } }
    /^master_repl_offset:/ { offset = $2 }
    END { for (other in seen) if (other != offset) exit 1; exit !online }'
}

replication | grep -q '^role:master' || exit 0
replication | grep -q '^slave0:' || exit 0

# Writers wait from here on and are cut when the new master is known; 20 s is the most this script takes.
ask sentinel 127.0.0.1 6379 CLIENT PAUSE 20000 WRITE
for _ in 1 2 3 4 5; do
  caught_up && break
  sleep 0.2
done

# The Sentinel beside it is being stopped too, so another one leads the failover.
for member in $MEMBERS; do
  [ "$member.$DOMAIN" != "$SELF" ] || continue
  [ "$(ask sentinel "$member.$DOMAIN" 26379 SENTINEL FAILOVER "$NAME")" != OK ] || break
done

deadline=$(($(date +%s) + 15))
while [ "$(date +%s)" -lt "$deadline" ]; do
  case $(elected "$MAJORITY") in
    '' | *" $SELF") sleep 0.2 ;;
    *) exit 0 ;;
  esac
done
echo 'no other member took the lead within 15 s' >&2
