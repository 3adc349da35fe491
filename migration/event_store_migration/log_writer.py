"""Writes events back as log files that the bridge reads."""

import hmac
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgpack

from .event import as_uuid
from .returning import Returned, whole_event

# Below the 100 MB at which the bridge rotates, and a second rotation overwrites the first.
FULL = 90_000_000
CURSOR, PARTIAL = "migration-returned.json", "migration-returned.partial"


def record(key: bytes, event: dict[str, object]) -> bytes:
    body = msgpack.packb(event, use_bin_type=True)
    return len(body).to_bytes(4, "big") + hmac.digest(key, body, "sha256") + body


class LogWriter:
    """
    A file appears whole, by its renaming, and then the cursor moves. A run that ended between the two writes the same
    file again: its number and sequences stand in the cursor.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self.key = key

    def _cursor(self) -> dict[str, int]:
        file = self.folder / CURSOR
        return json.loads(file.read_text()) if file.exists() else {}

    def returned(self) -> tuple[int, int] | None:
        cursor = self._cursor()
        return (cursor["transaction"], cursor["row"]) if cursor else None

    def files(self) -> set[str]:
        """Those that the last rollback has written."""
        cursor = self._cursor()
        return {f"events_{number:06d}.log" for number in range(cursor.get("first", 0), cursor.get("number", 0))}

    def write(self, pages: Iterable[list[Returned]], cutover: int, number: int, sequence: int) -> Iterator[int]:
        cursor = self._cursor()
        if cursor.get("cutover") != cutover:
            cursor = {
                "transaction": cutover,
                "row": 0,
                "cutover": cutover,
                "first": number,
                "number": number,
                "sequence": max(sequence, cursor.get("sequence", 0)),
            }
            self._replace(CURSOR, json.dumps(cursor).encode())
        number, sequence = cursor["number"], cursor["sequence"]

        file = None
        for page in pages:
            if file is None:
                file = open(self.folder / PARTIAL, "wb")
            for returned in page:
                event = {name: value for name, value in whole_event(returned.event, sequence).items() if value is not None}
                # The application's model takes a UUID and nothing else.
                if as_uuid(event.get("causation_id")) is None:
                    event.pop("causation_id", None)
                file.write(record(self.key, event))
                sequence += 1
            cursor |= {"transaction": page[-1].transaction, "row": page[-1].sequence, "sequence": sequence}
            if file.tell() >= FULL:
                number, file = self._finish(file, number, cursor), None
            yield len(page)
        if file is not None:
            self._finish(file, number, cursor)

    def _finish(self, file: BinaryIO, number: int, cursor: dict[str, int]) -> int:
        file.flush()
        os.fsync(file.fileno())
        file.close()
        os.replace(file.name, self.folder / f"events_{number:06d}.log")
        self._sync()
        self._replace(CURSOR, json.dumps(cursor | {"number": number + 1}).encode())
        cursor["number"] = number + 1
        return number + 1

    def _replace(self, name: str, content: bytes) -> None:
        fresh = self.folder / f"{name}.new"
        with open(fresh, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.folder / name)
        self._sync()

    def _sync(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
