#!/bin/sh
# Whether something is mounted: a look that no file system can delay.
grep -q " $POINT .* - fuse" /proc/self/mountinfo
