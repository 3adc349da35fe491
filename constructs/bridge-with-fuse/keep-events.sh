#!/bin/sh
# Keeps what the server would overwrite. At 100 MB it rotates its log to events_NNNNNN.log.gz, and numbers come again:
# the next rotation would begin by emptying that very file. So every rotated file gets a name of its own,
# events_NNNNNN-TIME.log.gz, under which the server still finds it (it reads events_*.log*), and before the log that follows it.
#
#   keep-events.sh check   before the server starts: sets aside what a rotation that was cut off left, as it would not start with it
#   keep-events.sh watch   while it runs
set -eu
LOOKED=${LOOKED:-/tmp/keep-events}
umask 027
mkdir -p "$EVENTS" "$ASIDE"
cd "$EVENTS"

# In the form of the server's own lines: level, time, logger, message.
say() { echo "[$1] $(date -u '+%Y-%m-%d %H:%M:%S'),000 - keep-events - $2"; }

rotated() {
  for file in events_[0-9][0-9][0-9][0-9][0-9][0-9].log.gz; do
    [ ! -e "$file" ] || echo "$file"
  done
}

# Whole, and on disk, before it is called kept: a file that is still written to is looked at again.
keep() {
  gzip -t "$1" 2> /dev/null || return 0
  sync "$1"
  name=${1%.log.gz}-$(date -u +%Y%m%dT%H%M%SZ)
  [ ! -e "$name.log.gz" ] || return 0
  mv "$1" "$name.log.gz"
  say INFO "rotated: $1 is kept as $name.log.gz, $(stat -c %s "$name.log.gz") bytes"
}

# The server removes a log only when its rotated file is whole: where the log is still there nothing is lost.
set_aside() {
  to=$ASIDE/$1.$(date -u +%Y%m%dT%H%M%SZ)
  while [ -e "$to" ]; do to=$to+; done
  mv "$1" "$to"
  if [ -e "${1%.gz}" ]; then
    say WARNING "$1 was cut off while it was written; its log is still there; set aside in $ASIDE"
  else
    say ERROR "$1 is damaged and its log is gone: events may be lost; set aside in $ASIDE for a person"
  fi
}

case $1 in
  check)
    for file in $(rotated); do
      keep "$file"
      [ ! -e "$file" ] || set_aside "$file"
    done
    ;;
  watch)
    trap 'exit 0' TERM INT
    while true; do
      touch "$LOOKED"
      for file in $(rotated); do keep "$file"; done
      sleep 1 &
      wait $!
    done
    ;;
  *)
    echo "usage: EVENTS=DIR ASIDE=DIR $0 check|watch" >&2
    exit 2
    ;;
esac
