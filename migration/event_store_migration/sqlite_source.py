"""The SQLite store: read in the order of sequence_id, and written back to in its own format."""

import fcntl
import hashlib
import json
import os
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import Failure
from .event import same
from .returning import Returned
from .source import Item, Segment
from .sqlite_event import COLUMNS, SELECT, item_of, row_of, words

SCHEMA_VERSION = "1"
PAGE = 1000
# From here on a store is taken for one whose checksums follow another rule, rather than for a damaged one.
PROBED = 100
FIRST = -(2**63)
# SQLite's file format: the bytes on which every connection that has a database open holds a lock.
SHARED_LOCK = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0x40000002, 510, 0)
SEAL = "moved_to_postgresql"
CURSOR = "migration_returned"


class SqliteSource:
    kind = "sqlite"
    keeps_created_at = True

    def __init__(self, path: str, checksums: bool = True) -> None:
        self.path = path
        self.checksums = checksums
        self.remarks: list[str] = []

    def connect(self, mode: str = "ro") -> sqlite3.Connection:
        file = Path(self.path)
        if not file.is_file():
            raise Failure("there is no SQLite store", where=self.path, do="name its file with --sqlite")
        log = Path(f"{self.path}-wal")
        options = f"mode={mode}"
        if mode == "ro" and not os.access(file.parent, os.W_OK):
            # Without a log nothing is missed by not looking for one; with one, events would be.
            if log.exists() and log.stat().st_size > 0:
                raise Failure(
                    "the SQLite store has a write-ahead log that a read-only volume keeps from being read",
                    where=str(log),
                    do="mount the volume writable (the tool itself does not write before the cutover)",
                )
            options += "&immutable=1"
        try:
            database = sqlite3.connect(f"{file.absolute().as_uri()}?{options}", uri=True, timeout=30, isolation_level=None)
            database.text_factory = bytes
            database.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return database

    def check(self) -> None:
        database = self.connect()
        try:
            columns = [row[1].decode() for row in database.execute("PRAGMA table_info(events)")]
            if set(columns) != set(COLUMNS):
                raise Failure(
                    "the table events is not the one of schema version 1",
                    where=self.path,
                    why=f"missing: {sorted(set(COLUMNS) - set(columns))}, unknown: {sorted(set(columns) - set(COLUMNS))}",
                    do="migrate with a release of this tool that knows the columns: an unknown one would be lost",
                )
            version = database.execute("SELECT value FROM store_metadata WHERE key = 'schema_version'").fetchone()
            found = version[0].decode() if version else "none"
            if found != SCHEMA_VERSION:
                raise Failure(
                    f"the store has schema version {found}, known is {SCHEMA_VERSION}",
                    where=f"{self.path}, store_metadata",
                    do="migrate with a release of this tool that knows it",
                )
            probe = [item_of(row, self.checksums) for row in database.execute(f"{SELECT} ORDER BY sequence_id LIMIT {PROBED}")]
            if len(probe) == PROBED and all(item.reason.startswith("checksum") for item in probe):
                raise Failure(
                    f"none of the first {PROBED} checksums is right",
                    where=self.path,
                    why="they are expected over sequence_id:event_id:event_type:data, the data as Python prints it",
                    do="if this store computes them otherwise: --without-checksums copies them unverified",
                )
        except sqlite3.Error as error:
            raise self._failure(error) from error
        finally:
            database.close()

    def damage(self) -> list[str]:
        """What SQLite's own check of the whole file finds."""
        database = self.connect()
        try:
            found = [row[0].decode() for row in database.execute("PRAGMA quick_check(20)")]
        except sqlite3.Error as error:
            raise self._failure(error) from error
        finally:
            database.close()
        return [] if found == ["ok"] else found

    def segments(self) -> list[Segment]:
        database = self.connect()
        try:
            first = database.execute("SELECT event_id, timestamp FROM events ORDER BY sequence_id LIMIT 1").fetchone()
        finally:
            database.close()
        return [Segment(hashlib.sha256(repr(first).encode()).hexdigest()[:32], Path(self.path).name)] if first else []

    def start(self) -> int:
        return FIRST

    def read(self, segment: Segment, position: int, final: bool) -> Iterator[Item]:
        database = self.connect()
        try:
            last = database.execute("SELECT max(sequence_id) FROM events").fetchone()[0]
            if position != FIRST and (last is None or last < position):
                raise Failure(
                    f"the store ends at sequence_id {last}, but {position} was copied from it",
                    where=self.path,
                    why="it is an older copy of the store, or events were deleted from it",
                    do="give the store that the migration began with",
                )
            # A page at a time: a long transaction would keep the bridge's write-ahead log from being emptied.
            while True:
                count = 0
                for row in database.execute(f"{SELECT} WHERE sequence_id > ? ORDER BY sequence_id LIMIT {PAGE}", (position,)):
                    count += 1
                    position = row[0]
                    yield item_of(row, self.checksums)
                if count < PAGE:
                    return
        except sqlite3.Error as error:
            raise self._failure(error, f"after sequence_id {position}" if position != FIRST else "") from error
        finally:
            database.close()

    def is_open(self) -> str:
        """Asks the kernel who holds SQLite's lock, without taking it."""
        with open(self.path, "rb") as file:
            kind, _, _, _, process = struct.unpack("hhqqi", fcntl.fcntl(file, fcntl.F_GETLK, SHARED_LOCK))
        return "" if kind == fcntl.F_UNLCK else f"process {process}"

    def size(self) -> int:
        return sum(os.stat(f"{self.path}{end}").st_size for end in ("", "-wal") if os.path.exists(f"{self.path}{end}"))

    def seal(self) -> None:
        """No old bridge appends to a store that was left."""
        self._change(
            f"CREATE TRIGGER IF NOT EXISTS {SEAL} BEFORE INSERT ON events "
            "BEGIN SELECT RAISE(ABORT, 'this event store was moved to PostgreSQL'); END"
        )

    def unseal(self) -> None:
        self._change(f"DROP TRIGGER IF EXISTS {SEAL}")

    def _change(self, statement: str) -> None:
        database = self.connect("rw")
        try:
            database.execute(statement)
        except sqlite3.Error as error:
            raise self._failure(error) from error
        finally:
            database.close()

    def returned(self) -> tuple[int, int] | None:
        """The cursor that a rollback goes on from; it is kept with the events themselves."""
        database = self.connect()
        try:
            row = database.execute("SELECT value FROM store_metadata WHERE key = ?", (CURSOR,)).fetchone()
        finally:
            database.close()
        return tuple(json.loads(row[0])) if row else None

    def write(self, pages: Iterable[list[Returned]], cutover: int, sequence: int) -> Iterator[int]:
        """Appends events in the store's format; gives how many of each page went in. An id that is there is left as it is."""
        database = self.connect("rw")
        try:
            has_search = database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'events_fts'").fetchone()[0]
            for page in pages:
                database.execute("BEGIN IMMEDIATE")
                first = number = database.execute("SELECT coalesce(max(sequence_id), 0) FROM events").fetchone()[0]
                for returned in page:
                    row = row_of(returned.event, number + 1)
                    done = database.execute(
                        f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * 11)}) ON CONFLICT DO NOTHING", row
                    )
                    number += done.rowcount
                    if has_search and done.rowcount:
                        database.execute(
                            "INSERT INTO events_fts (rowid, event_id, event_type, agent_id, content) VALUES (?, ?, ?, ?, ?)",
                            (number, row[1], row[2], row[4], words(row[7], row[8])),
                        )
                cursor = json.dumps([page[-1].transaction, page[-1].sequence])
                database.execute("INSERT OR REPLACE INTO store_metadata (key, value) VALUES (?, ?)", (CURSOR, cursor))
                database.execute("COMMIT")
                yield number - first
        except sqlite3.Error as error:
            raise self._failure(error) from error
        finally:
            database.close()

    def confirm(self, pages: Iterable[list[Returned]]) -> Iterator[tuple[Returned, str]]:
        """What did not come back, and why."""
        database = self.connect()
        try:
            for returned in (each for page in pages for each in page):
                row = database.execute(f"{SELECT} WHERE event_id = ?", (returned.event.event_id,)).fetchone()
                held = item_of(row, self.checksums) if row else None
                if held is None:
                    yield returned, "is not in the store"
                elif held.event is None:
                    yield returned, held.reason
                elif not same(held.event, returned.event):
                    yield returned, "the store holds another event of this id, and ids are unique there"
        finally:
            database.close()

    def _failure(self, error: sqlite3.Error, after: str = "") -> Failure:
        return Failure(
            "the SQLite store cannot be read or written",
            where=f"{self.path} {after}".strip(),
            why=str(error),
            do="if it is malformed: copy it and let `sqlite3 STORE .recover` save what is there; if it is locked: stop the bridge",
        )
