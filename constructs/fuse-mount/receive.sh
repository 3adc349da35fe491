#!/bin/sh
# Starts the file system where the node's opener mounts it, once the opener has taken away what an earlier life left.
#   POINT=FOLDER receive.sh PROGRAM...     the program mounts with auto_unmount: so libfuse asks fusermount at once
set -eu
while grep -q " $POINT .* - fuse" /proc/self/mountinfo; do sleep 0.2; done
mkdir -p "$POINT"
exec "$@"
