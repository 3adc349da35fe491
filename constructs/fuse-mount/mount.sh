#!/bin/sh
# Serves the file system, on a mount point that nothing of an earlier life covers, and leaves none behind.
#   POINT=FOLDER mount.sh PROGRAM...     the program stays in the foreground
set -eu

mounted() { grep -q " $POINT .* - fuse" /proc/self/mountinfo; }

# A dead mount refuses everything, mkdir too; and whoever still holds a file there must not keep it.
clear_mounts() {
  while mounted; do fusermount3 -uz "$POINT"; done
}

# A server that hangs does not hear TERM, and what is left mounted keeps the kubelet from removing the pod.
# shellcheck disable=SC2317 # a trap calls it
end() {
  trap '' TERM INT
  kill -TERM "$SERVER" 2> /dev/null || true
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "$SERVER" 2> /dev/null || break
    sleep 0.1
  done
  kill -KILL "$SERVER" 2> /dev/null || true
  clear_mounts
  exit 0
}

# From the first moment: process 1 does not hear a signal that it has no answer to.
SERVER=
trap end TERM INT
clear_mounts
mkdir -p "$POINT"
"$@" &
SERVER=$!
STATUS=0
wait "$SERVER" || STATUS=$?
echo "the file system ended with status $STATUS" >&2
clear_mounts
exit 1
