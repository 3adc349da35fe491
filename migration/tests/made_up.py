"""Made-up stores in the formats of the bridge. `python -m tests.made_up sqlite|logs PATH EVENTS` writes one."""

import gzip
import hashlib
import hmac
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgpack

KEY = b"made up for tests"
TYPES = ("command_received", "command_validated", "file_modified", "agent_heartbeat", "custom")
UNICODE = "καλημέρα κόσμε, 日本語, 👩‍🚀, e\u0301, \u202eright to left, \\u0041 \"quoted\" \x7f"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def events(count: int, megabytes: int = 2, first: int = 1) -> Iterator[dict[str, object]]:
    """Events of the last six days, in their order; among them unicode, `megabytes` events of 1 MB, and a clock that jumps."""
    begin, step = int((time.time() - 6 * 86400) * 1e6), 6 * 86_400_000_000 // max(count, 1)
    large = {first + (n + 1) * count // (megabytes + 1) for n in range(megabytes)}
    for n in range(first, first + count):
        data: dict[str, object] = {"path": f"/src/module{n % 997}/file{n % 5003}.py", "bytes": n, "ratio": n / 7, "whole": 1.0}
        if n % 500 == 0:
            data |= {"text": UNICODE, "deep": {"list": [1, None, True, {"large": 2**62 + n, "tiny": 1e-30, "huge": 1.5e30}]}}
        if n in large:
            data["blob"] = f"{n} " * (1_000_000 // len(f"{n} "))
        jump = -86_400_000_000 if n % 10_000 == 0 else 0
        yield {
            "event_id": f"{1_000_000 * n}_0_lighthouse-01",
            "sequence": n,
            "event_type": TYPES[n % 5],
            "aggregate_id": f"aggregate-{n % 3000}",
            "aggregate_type": "project",
            "timestamp": begin + (n - first) * step + n % 997 + jump,
            "data": data,
            "metadata": {"session_id": f"s-{n % 100}"},
            "source_agent": f"agent-{n % 200}",
            "source_component": "bridge",
            "schema_version": 1,
        }


def iso(micros: object) -> str:
    assert isinstance(micros, int)
    return (EPOCH + timedelta(microseconds=micros)).isoformat()


def sqlite_row(event: dict[str, object]) -> tuple[object, ...]:
    n, data = event["sequence"], event["data"]
    content = f"{n}:{event['event_id']}:{event['event_type']}:{data}"
    assert isinstance(n, int) and isinstance(event["timestamp"], int)
    return (
        n, event["event_id"], event["event_type"], event["timestamp"], event["source_agent"], event["aggregate_id"], n // 3000,
        json.dumps(data), json.dumps(event["metadata"]), hashlib.sha256(content.encode()).hexdigest()[:16],
        event["timestamp"] // 1_000_000,
    )


def make_sqlite(path: Path, count: int, megabytes: int = 2) -> None:
    database = sqlite3.connect(path)
    database.executescript(
        """
        PRAGMA journal_mode = WAL;
        CREATE TABLE events (sequence_id INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, event_type TEXT NOT NULL,
          timestamp INTEGER NOT NULL, agent_id TEXT, aggregate_id TEXT, aggregate_version INTEGER,
          event_data TEXT NOT NULL, metadata TEXT, checksum TEXT, created_at INTEGER NOT NULL DEFAULT (unixepoch()));
        CREATE VIRTUAL TABLE events_fts USING fts5(event_id UNINDEXED, event_type, agent_id, content,
          content=events, content_rowid=sequence_id);
        CREATE INDEX idx_events_timestamp ON events(timestamp);
        CREATE INDEX idx_events_type ON events(event_type);
        CREATE INDEX idx_events_agent ON events(agent_id);
        CREATE INDEX idx_events_aggregate ON events(aggregate_id, aggregate_version);
        CREATE INDEX idx_events_type_timestamp ON events(event_type, timestamp);
        CREATE INDEX idx_events_agent_timestamp ON events(agent_id, timestamp);
        CREATE TABLE store_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT NULL DEFAULT (unixepoch()));
        INSERT INTO store_metadata (key, value) VALUES ('schema_version', '1');
        """
    )
    database.close()
    add_sqlite(path, events(count, megabytes))


def add_sqlite(path: Path, more: Iterator[dict[str, object]]) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(sqlite_row, more))


def record(event: dict[str, object], key: bytes = KEY) -> bytes:
    body = msgpack.packb(event | {"timestamp": iso(event["timestamp"])}, use_bin_type=True)
    return len(body).to_bytes(4, "big") + hmac.digest(key, body, hashlib.sha256) + body


def make_logs(folder: Path, count: int, megabytes: int = 2, per_file: int = 250_000) -> None:
    """Several files; the first is a rotated one, and sequences begin anew in the second, as after a restart."""
    folder.mkdir(parents=True, exist_ok=True)
    file, number = None, 0
    for n, event in enumerate(events(count, megabytes)):
        if n % per_file == 0:
            if file:
                file.close()
            name = f"events_{max(number, 1):06d}.log{'.gz' if number == 0 else ''}"
            file = gzip.open(folder / name, "wb", 6) if number == 0 else open(folder / name, "wb")
            number += 1
        assert file is not None
        file.write(record(event if number < 2 else event | {"sequence": n - per_file + 1}))
    if file:
        file.close()


if __name__ == "__main__":
    kind, path, count = sys.argv[1:]
    make = {"sqlite": make_sqlite, "logs": make_logs}[kind]
    make(Path(path), int(count))
