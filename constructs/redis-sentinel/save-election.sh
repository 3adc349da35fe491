#!/bin/sh
# Keeps who leads, since which election, and what this Sentinel voted. Sentinel runs it after each event. Its own file
# cannot lie on the volume: it holds passwords.
set -eu
kept=/data/sentinel.election

current() { grep -E '^sentinel (monitor|config-epoch|leader-epoch|current-epoch) ' /run/sentinel/sentinel.conf; }

# Two events may run two of these at a time: the one that is last to write looks again.
while [ "$(current)" != "$(cat "$kept" 2>/dev/null)" ]; do
  current >"$kept.$$"
  sync "$kept.$$"
  mv "$kept.$$" "$kept"
done
