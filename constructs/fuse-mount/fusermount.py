#!/usr/bin/env python3
"""In place of fusermount: libfuse gets its descriptor from the node's opener, by a socket that the opener looks for.

libfuse names the end of a pair of sockets in _FUSE_COMMFD and waits there for the descriptor of a mount. Unmounting is
the opener's business, as soon as the server is gone.
"""

import os
import socket
import sys

WANTED = "/run/fuse-handover/wanted"
WAIT_SECONDS = 60


def main() -> int:
    if "_FUSE_COMMFD" not in os.environ:
        return 0
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if os.path.lexists(WANTED):
        os.unlink(WANTED)
    listener.bind(WANTED)
    try:
        listener.listen(1)
        listener.settimeout(WAIT_SECONDS)
        opener, _ = listener.accept()
        opener.settimeout(WAIT_SECONDS)
        _, descriptors, _, _ = socket.recv_fds(opener, 16, 1)
    except TimeoutError:
        print(f"no opener on this node has answered in {WAIT_SECONDS} s", file=sys.stderr)
        return 1
    finally:
        os.unlink(WANTED)
    if not descriptors:
        print("the opener could not mount: its log says why", file=sys.stderr)
        return 1
    libfuse = socket.socket(fileno=int(os.environ["_FUSE_COMMFD"]))
    socket.send_fds(libfuse, [b"\0"], descriptors)
    return 0


if __name__ == "__main__":
    sys.exit(main())
