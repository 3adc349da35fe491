"""Looks at any place of a file, plain or packed, and holds only a little of it."""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

READ = 1 << 20
# What lies before the place last asked for is kept this far, for a record is looked at several times.
KEPT = 1 << 16
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)


class Window:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._open()
        self._base = 0
        self._buffer = b""
        self._ended = False
        # Why nothing more can be unpacked.
        self.damage = ""

    def _open(self) -> BinaryIO:
        return gzip.open(self._path, "rb") if self._path.suffix == ".gz" else open(self._path, "rb")

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def get(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer where the file ends."""
        far = offset > self._base + len(self._buffer) + KEPT
        if far and self._ended:
            return b""
        if far or offset < self._base:
            self._move(offset)
        missing = offset + size - self._base - len(self._buffer)
        if missing > 0 and not self._ended:
            dropped = max(0, offset - KEPT - self._base)
            self._buffer = self._buffer[dropped:] + self._read(max(missing, READ))
            self._base += dropped
        start = offset - self._base
        return self._buffer[start : start + size]

    def end(self, offset: int) -> int:
        """Where the file ends, from a place in it on."""
        while chunk := self.get(offset, READ):
            offset += len(chunk)
        return offset

    def _read(self, size: int) -> bytes:
        parts = []
        while size > 0:
            try:
                # read() would keep back what it unpacked before the damage.
                part = self._file.read1(min(size, READ))
            except DAMAGE as error:
                self.damage, part = str(error), b""
            if not part:
                self._ended = True
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _move(self, offset: int) -> None:
        if self.damage:
            # What lies before the damage can be unpacked again.
            self._file.close()
            self._file = self._open()
        self._base, self._buffer, self._ended, self.damage = offset, b"", False, ""
        try:
            self._file.seek(offset)
        except DAMAGE as error:
            self._ended, self.damage = True, str(error)
