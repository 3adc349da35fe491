#!/bin/sh
# Starts Redis as what the Sentinels say it is. No member ever makes itself master.
set -eu
umask 077
. /config/members.sh
# A shell that is process 1 ignores SIGTERM unless it says otherwise.
trap 'exit 143' TERM

# Whether another member leads, or followed a master during its present life. Such a member has what this one may have
# lost (a cache lost everything); one that was restarted as well has not.
outlived() {
  for member in $MEMBERS; do
    [ "$member.$DOMAIN" != "$SELF" ] || continue
    ask sentinel "$member.$DOMAIN" 6379 INFO replication |
      grep -Eq '^(role:master|master_link_status:up|master_link_down_since_seconds:[0-9])' && return
  done
  return 1
}

# Without a majority of Sentinels nobody knows who leads: wait. If it is this member, but another outlived it, wait for
# the Sentinels to elect that one, at most 60 rounds of at least a second: an election takes 10 s, and 20 s more each
# time that the votes were split.
patience=60
master=
while [ -z "$master" ]; do
  master=$(elected "$MAJORITY" | cut -d ' ' -f 2)
  if [ "$master" = "$SELF" ] && [ "$patience" -gt 0 ] && outlived; then
    patience=$((patience - 1))
    master=
  fi
  [ -n "$master" ] || sleep 1
done
echo "the master is $master"

cat /tls/tls.crt >/run/redis/served.crt
acl /config/users.acl >/run/redis/users.acl
{
  echo 'include /config/redis.conf'
  echo "replica-announce-ip $SELF"
  echo 'masteruser replication'
  echo "masterauth $(password replication)"
  [ "$master" = "$SELF" ] || echo "replicaof $master 6379"
} >/run/redis/redis.conf
exec redis-server /run/redis/redis.conf
