#!/usr/bin/env python3
"""Mounts file systems for pods that may not: opens /dev/fuse, mounts it on a folder of the pod, and hands the descriptor over.

A pod asks by a socket in its empty volume `fuse-handover` and is given a mount on `project` in its empty volume `lighthouse`:
nothing of what is mounted, where and how comes from the pod. Its volumes are the pod's to fill: nothing in them
is followed, so that a link leads nowhere. A mount whose server is gone is taken away; else the kubelet could not remove
the pod.
"""

import ctypes
import errno
import os
import socket
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Iterator, Optional, Set

PODS = Path(os.environ.get("PODS", "/var/lib/kubelet/pods"))
SEEN = Path("/tmp/opener")
TYPE = "fuse.lighthouse"
# Tells its own mounts from those of others.
SOURCE = "lighthouse-opener"
VOLUMES = "volumes/kubernetes.io~empty-dir"
PAUSE_SECONDS = 0.5
HANDOVER_SECONDS = 5

MS_NOSUID, MS_NODEV, MNT_DETACH = 2, 4, 2

libc = ctypes.CDLL(None, use_errno=True)
looking: Set[str] = set()


def say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}", flush=True)


def checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def opened(path: Path, flags: int, directory: Optional[int] = None) -> int:
    """A handle on the thing itself, which a pod cannot exchange for another afterwards."""
    return os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=directory)


def mount(folder: int, user: os.stat_result) -> int:
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = (
        f"fd={device},rootmode=40000,user_id={user.st_uid},group_id={user.st_gid},allow_other,default_permissions"
    )
    try:
        checked(
            libc.mount(
                SOURCE.encode(),
                f"/proc/self/fd/{folder}".encode(),
                TYPE.encode(),
                MS_NOSUID | MS_NODEV,
                options.encode(),
            ),
            "mount",
        )
    except OSError:
        os.close(device)
        raise
    return device


def hand_over(pod: Path) -> None:
    handles = []
    try:
        handles.append(wanted := opened(pod / VOLUMES / "fuse-handover" / "wanted", 0))
        asking = os.fstat(wanted)
        if not stat.S_ISSOCK(asking.st_mode):
            raise OSError(errno.ENOTSOCK, "what asks is no socket")
        handles.append(volume := opened(pod / VOLUMES / "lighthouse", os.O_DIRECTORY))
        handles.append(folder := opened(Path("project"), os.O_DIRECTORY, volume))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as pod_socket:
            pod_socket.settimeout(HANDOVER_SECONDS)
            pod_socket.connect(f"/proc/self/fd/{wanted}")
            device = mount(folder, asking)
            try:
                socket.send_fds(pod_socket, [b"\0"], [device])
            finally:
                os.close(device)
        say(f"mounted for pod {pod.name}")
    finally:
        for handle in handles:
            os.close(handle)


def mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if f" - {TYPE} {SOURCE} " in line and fields[4].startswith(f"{PODS}/"):
            yield fields[4]


def take_away_if_dead(point: str) -> None:
    """A server that hangs keeps the thread that looks, and nothing else."""
    try:
        os.stat(point)
    except OSError as error:
        if error.errno in (errno.ENOTCONN, errno.ECONNABORTED):
            libc.umount2(point.encode(), MNT_DETACH)
            say(f"taken away: {point}")
    finally:
        looking.discard(point)


def main() -> None:
    if not PODS.is_dir():
        sys.exit(f"{PODS} is not there: is the kubelet's folder another one?")
    say(f"looking at {PODS}")
    while True:
        for point in set(mounts()) - looking:
            looking.add(point)
            threading.Thread(target=take_away_if_dead, args=(point,), daemon=True).start()
        for asking in PODS.glob(f"*/{VOLUMES}/fuse-handover/wanted"):
            pod = PODS / asking.relative_to(PODS).parts[0]
            try:
                hand_over(pod)
            except OSError as error:
                say(f"not mounted for pod {pod.name}: {error}")
        SEEN.touch()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
