#!/bin/sh
# Starts Sentinel knowing every member from the beginning, so that a majority is always one of all members.
set -eu
umask 077
. /config/members.sh
trap 'exit 143' TERM

# id HOST: the same for the whole life of a member, so that a replaced Sentinel is not counted twice.
id() { printf %s "$1" | sha1sum | cut -c 1-40; }

# The last election: of this container's former life, of the pod's, of what other Sentinels know, or that no election
# ever was, which makes the first member master.
conf=/run/sentinel/sentinel.conf
election=$(cat /data/sentinel.election 2>/dev/null || :)
[ ! -s "$conf" ] || election=$(/config/save-election.sh && cat /data/sentinel.election)
if [ -n "$election" ]; then
  master=$(echo "$election" | awk '$2 == "monitor" { print $4 }')
else
  latest=$(elected 1)
  latest=${latest:-0 ${MEMBERS%% *}.$DOMAIN}
  master=${latest#* }
  election="sentinel config-epoch $NAME ${latest%% *}"
fi

cat /tls/tls.crt >/run/sentinel/served.crt
acl /config/sentinel-users.acl >/run/sentinel/users.acl
{
  echo 'include /config/sentinel.conf'
  echo "sentinel myid $(id "$SELF")"
  echo "sentinel announce-ip $SELF"
  echo "sentinel monitor $NAME $master 6379 $MAJORITY"
  echo "$election" | grep -v '^sentinel monitor '
  echo 'sentinel sentinel-user sentinel'
  echo "sentinel sentinel-pass $(password sentinel)"
  echo "sentinel auth-user $NAME sentinel"
  echo "sentinel auth-pass $NAME $(password sentinel)"
  for member in $MEMBERS; do
    host=$member.$DOMAIN
    [ "$host" = "$master" ] || echo "sentinel known-replica $NAME $host 6379"
    [ "$host" = "$SELF" ] || echo "sentinel known-sentinel $NAME $host 26379 $(id "$host")"
  done
} >"$conf"
exec redis-sentinel "$conf"
