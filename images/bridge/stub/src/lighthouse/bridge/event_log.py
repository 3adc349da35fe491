"""The bridge's event log, with its weaknesses: what guards against them is tried with this."""

import gzip
import hashlib
import hmac
import itertools
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack

LARGEST_EVENT = 1024 * 1024
# The bridge's is fixed at 100 MiB; to see two rotations in a test, it must be less.
ROTATE_AT = int(os.environ.get("LIGHTHOUSE_STUB_ROTATE_BYTES", 100 * 1024 * 1024))

Event = dict[str, Any]


class Refused(Exception):
    """An event or a data path that is not taken."""


class EventLog:
    """Files events_000001.log …, each a run of records: 4 bytes length, 32 bytes HMAC-SHA256, MessagePack."""

    def __init__(self, data: Path) -> None:
        if "/var/" in f"{data.absolute()}/" or data.is_symlink():
            raise Refused(f"data path {data} is not allowed")
        self.folder = data / "events"
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = os.environ.get("LIGHTHOUSE_EVENT_SECRET") or secrets.token_urlsafe(32)
        self.key = secret.encode()
        self.lock = threading.Lock()
        # Compressed files are not looked at: after a rotation, a start counts from what is left.
        plain = sorted(self.folder.glob("events_*.log"))
        self.sequence = max((event.get("sequence") or 0 for path in plain for event in self.read(path)), default=0)
        self.open()

    def open(self) -> None:
        # By how many plain files there are. A rotation takes one away, so the number that follows is the one just
        # compressed, and its next rotation writes over that: the bridge does the same.
        number = len(list(self.folder.glob("events_*.log"))) + 1
        self.path = self.folder / f"events_{number:06d}.log"
        self.file = self.path.open("ab")

    def append(self, event: Event) -> Event:
        size = len(str({key: event[key] for key in ("event_type", "aggregate_id", "data", "metadata")}).encode())
        if size > LARGEST_EVENT:
            raise Refused(f"Event size {size} exceeds limit {LARGEST_EVENT}")
        with self.lock:
            self.sequence += 1
            stored = {
                "event_id": f"{time.time_ns()}_{self.sequence}_{socket.gethostname()}",
                "sequence": self.sequence,
                "timestamp": datetime.now(UTC).isoformat(),
                **event,
            }
            data = msgpack.packb(stored, use_bin_type=True)
            self.file.write(len(data).to_bytes(4, "big") + self.sign(data) + data)
            self.file.flush()
            os.fsync(self.file.fileno())
            if self.path.stat().st_size >= ROTATE_AT:
                self.rotate()
        return stored

    def rotate(self) -> None:
        self.file.close()
        with self.path.open("rb") as plain, gzip.GzipFile(f"{self.path}.gz", "wb") as compressed:
            compressed.writelines(plain)
        self.path.unlink()
        self.open()

    def first(self, limit: int) -> list[Event]:
        paths = sorted(self.folder.glob("events_*.log*"))
        found = itertools.islice((event for path in paths for event in self.read(path)), limit)
        return sorted(found, key=lambda event: event.get("sequence") or 0)

    def read(self, path: Path) -> Iterator[Event]:
        """What another key has signed is passed over without a word, and so is a record that is cut off."""
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            while len(head := file.read(36)) == 36:
                data = file.read(int.from_bytes(head[:4], "big"))
                if hmac.compare_digest(head[4:], self.sign(data)):
                    yield msgpack.unpackb(data)

    def sign(self, data: bytes) -> bytes:
        return hmac.new(self.key, data, hashlib.sha256).digest()

    def close(self) -> None:
        with self.lock:
            self.file.close()
