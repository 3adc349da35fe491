"""Events into PostgreSQL: a batch, what is put aside of it, and the position, in one transaction."""

from dataclasses import astuple

import psycopg

from .errors import Failure, Unfit
from .event import COLUMNS, Event, same
from .source import Item, Segment
from .target import READ, Counts, Target

# Whole numbers all the way: a double holds microseconds only until the year 2255.
MOMENT = (
    "'epoch'::timestamptz + (staged.\"timestamp\" / 86400000000) * interval '1 day'"
    " + (staged.\"timestamp\" % 86400000000) * interval '1 microsecond'"
)
TYPES = (
    "bigint", "text", "text", "bigint", "bigint", "text", "text", "text", "bigint", "integer", "uuid", "text", "text",
    "text", "text", "jsonb", "jsonb",
)
NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
INSERTED = NAMES.replace('"timestamp"', MOMENT).replace(
    '"created_at"', "coalesce('epoch'::timestamptz + staged.created_at * interval '1 second', now())"
)


class Appender:
    def __init__(self, target: Target) -> None:
        self.target = target
        self.connection = target.connection
        columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(COLUMNS, TYPES, strict=True))
        self.connection.execute(f"CREATE TEMP TABLE staged (n integer, {columns}) ON COMMIT DELETE ROWS")

    def write(self, segment: Segment, first: int, last: int, items: list[Item], expired: int = 0, dry: bool = False) -> Counts:
        """One transaction: the events, what is put aside, and the position. An event that PostgreSQL refuses is found by halves."""
        try:
            with self.connection.transaction(force_rollback=dry):
                counts = Counts(expired=expired)
                rejected = [item for item in items if item.event is None]
                counts.copied = self._insert([item for item in items if item.event is not None], rejected, counts, dry)
                counts.rejected = len(rejected)
                if not dry:
                    self._advance(segment, first, last, rejected, counts)
                return counts
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
            if all(item.event is None for item in items):
                raise
            if len(items) == 1:
                item = items[0]
                raw = repr(item.event).encode()
                reason = f"PostgreSQL refuses it: {error.diag.message_primary or error}"
                refused = Item(item.at, item.next, None, reason, raw[: 1 << 20], len(raw))
                return self.write(segment, first, last, [refused], expired, dry)
            half = len(items) // 2
            middle = items[half - 1].next
            counts = self.write(segment, first, middle, items[:half], expired, dry)
            counts.add(self.write(segment, middle, last, items[half:], 0, dry))
            return counts

    def _advance(self, segment: Segment, first: int, last: int, rejected: list[Item], counts: Counts) -> None:
        self.connection.execute(
            "INSERT INTO migration.segments (kind, identity, name, position) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (self.target.kind, segment.identity, segment.name, first),
        )
        moved = self.connection.execute(
            "UPDATE migration.segments SET position = %s, name = %s WHERE kind = %s AND identity = %s AND position = %s",
            (last, segment.name, self.target.kind, segment.identity, first),
        )
        if moved.rowcount != 1:
            raise Failure(
                "another run has copied meanwhile",
                where=f"{segment.name}, position {first}",
                why="the lock does not hold: PGHOST is a pooler in transaction mode",
                do="connect to the primary itself (the read-write endpoint)",
            )
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO migration.rejected (kind, identity, at, name, size, event_id, reason, raw)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (self.target.kind, segment.identity, item.at, segment.name, item.size,
                     item.event and item.event.event_id, item.reason.replace("\0", "\\0"), item.raw)
                    for item in rejected
                ],
            )
        self.connection.execute(
            "INSERT INTO migration.batches (kind, identity, first_position, last_position, copied, present, expired, rejected)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (self.target.kind, segment.identity, first, last, counts.copied, counts.present, counts.expired, counts.rejected),
        )

    def _insert(self, items: list[Item], rejected: list[Item], counts: Counts, dry: bool) -> int:
        """In the order given: sequence_id follows it. Gives how many went in; others go to `rejected` or are counted."""
        seen: dict[tuple[str, int], Event] = {}
        staged: list[Item] = []
        for item in items:
            event = _event(item)
            earlier = seen.setdefault((event.event_id, event.timestamp), event)
            if earlier is event:
                staged.append(item)
            else:
                self._repeated(item, earlier, rejected, counts)
        with self.connection.cursor() as cursor:
            with cursor.copy(f"COPY staged (n, {NAMES}) FROM STDIN") as copy:
                for n, item in enumerate(staged):
                    copy.write_row((n, *astuple(_event(item))))
            known = f"FROM events AS e WHERE e.event_id = staged.event_id AND e.\"timestamp\" = {MOMENT}"
            cursor.execute(
                f"SELECT FROM staged WHERE NOT EXISTS (SELECT {known})" if dry else
                f"INSERT INTO events ({NAMES}) SELECT {INSERTED} FROM staged ORDER BY n ON CONFLICT DO NOTHING"
            )
            fresh = cursor.rowcount
            if fresh < len(staged):
                cursor.execute(
                    f"SELECT staged.n, {READ} FROM staged, LATERAL (SELECT e.* {known}) AS e"
                    " WHERE e.transaction_id <> pg_current_xact_id()"
                )
                for n, *row in cursor:
                    self._repeated(staged[n], Event(*row), rejected, counts)
        return fresh

    def _repeated(self, item: Item, earlier: Event, rejected: list[Item], counts: Counts) -> None:
        if same(_event(item), earlier):
            counts.present += 1
            return
        raw = repr(item.event).encode()
        item.reason, item.raw, item.size = "another event has its id and timestamp", raw[: 1 << 20], len(raw)
        rejected.append(item)


def _event(item: Item) -> Event:
    if item.event is None:
        raise Unfit("no event")
    return item.event
