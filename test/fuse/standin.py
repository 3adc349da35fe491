#!/usr/bin/env python3
"""A stand-in for Lighthouse's file system, whose source is not here: its folders, some files, fusepy on libfuse2.

    standin.py MOUNTPOINT [--auto-unmount]

It stays in the foreground, keeps all in memory and is mounted with the options that Lighthouse asks for.
"""

import errno
import stat
import sys
import time
from typing import Dict, List

from fuse import FUSE, FuseOSError, Operations

FOLDERS = ("current", "history", "shadows", "context", "streams", "debug")
FILES_A_FOLDER = 100

# Once this file is there, a look at the mount gets no answer.
HANG = "/debug/hang"


class Project(Operations):
    """Folders with files, one level; files in `streams` can be written to."""

    def __init__(self) -> None:
        started = time.time()
        self.contents: Dict[str, bytes] = {
            f"/{folder}/file-{number:03}": f"{folder} {number}\n".encode() * 64
            for folder in FOLDERS
            for number in range(FILES_A_FOLDER)
        }
        self.contents["/debug/started"] = f"{started}\n".encode()
        self.times = {"st_atime": started, "st_mtime": started, "st_ctime": started}

    def getattr(self, path: str, fh=None) -> dict:
        if path == "/" and HANG in self.contents:
            time.sleep(3600)
        if path == "/" or path[1:] in FOLDERS:
            return {"st_mode": stat.S_IFDIR | 0o777, "st_nlink": 2, **self.times}
        if path not in self.contents:
            raise FuseOSError(errno.ENOENT)
        size = len(self.contents[path])
        return {"st_mode": stat.S_IFREG | 0o666, "st_nlink": 1, "st_size": size, **self.times}

    def readdir(self, path: str, fh) -> List[str]:
        if path == "/":
            return [".", "..", *FOLDERS]
        return [".", "..", *(name.rsplit("/", 1)[1] for name in self.contents if name.startswith(path + "/"))]

    def read(self, path: str, size: int, offset: int, fh) -> bytes:
        return self.contents[path][offset : offset + size]

    def create(self, path: str, mode, fi=None) -> int:
        self.contents[path] = b""
        return 0

    def write(self, path: str, data: bytes, offset: int, fh) -> int:
        before = self.contents[path][:offset].ljust(offset, b"\0")
        self.contents[path] = before + data + self.contents[path][offset + len(data) :]
        return len(data)

    def truncate(self, path: str, length: int, fh=None) -> None:
        self.contents[path] = self.contents[path][:length].ljust(length, b"\0")

    def unlink(self, path: str) -> None:
        del self.contents[path]

    def rename(self, old: str, new: str) -> None:
        self.contents[new] = self.contents.pop(old)

    def statfs(self, path: str) -> dict:
        return {"f_bsize": 4096, "f_blocks": 1024, "f_bavail": 1024, "f_namemax": 255}


if __name__ == "__main__":
    extra = {"auto_unmount": True} if "--auto-unmount" in sys.argv else {}
    FUSE(
        Project(),
        sys.argv[1],
        foreground=True,
        allow_other=True,
        default_permissions=True,
        fsname="lighthouse",
        subtype="lighthouse",
        **extra,
    )
