#!/bin/sh
# Whether the file system answers within two seconds. A process that waits for FUSE cannot be killed while its request is
# being worked on, so whoever waits for that process hangs with it, `timeout` included: it is left behind instead,
# and ends with the server.
grep -q " $POINT .* - fuse" /proc/self/mountinfo || exit 1
stat "$POINT" > /dev/null 2>&1 < /dev/null &
LOOK=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  kill -0 "$LOOK" 2> /dev/null || { wait "$LOOK"; exit; }
  sleep 0.1
done
echo 'no answer in 2 s' >&2
exit 1
