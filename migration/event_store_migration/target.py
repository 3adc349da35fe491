"""PostgreSQL: the events, and how far a migration has come, changed together or not at all."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from .errors import Failure, Misuse
from .event import COLUMNS, Event
from .returning import Returned
from .source import Segment

# What constructs/postgres-cluster/event-store makes.
SCHEMA_VERSION = "2"
LOCK = "hashtextextended('lighthouse event store migration', 0)"
NOTICED = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 -c client_connection_check_interval=5s"
)
# A run that was killed keeps its lock until PostgreSQL has noticed.
LOCK_TRIES, LOCK_WAIT_SECONDS = 10, 0.5
# An event may have a megabyte.
PAGE_EVENTS = 50
READ = (
    "e.source_sequence, e.event_id, e.event_type, (extract(epoch FROM e.\"timestamp\") * 1000000)::bigint, "
    "extract(epoch FROM e.created_at)::bigint, e.agent_id, e.aggregate_id, e.aggregate_type, e.aggregate_version, "
    "e.schema_version, e.correlation_id::text, e.causation_id, e.source_agent, e.source_component, e.checksum, "
    "e.event_data::text, e.metadata::text"
)


@dataclass(slots=True)
class Counts:
    copied: int = 0
    # In PostgreSQL already, the same.
    present: int = 0
    expired: int = 0
    rejected: int = 0

    def add(self, other: "Counts") -> None:
        for name in ("copied", "present", "expired", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Batch:
    number: int
    identity: str
    first: int
    last: int
    transaction: str
    copied: int


class Target:
    def __init__(self, kind: str, path: str, password_file: str | None = None) -> None:
        self.kind = kind
        self.path = path
        # Whether there is anything to go on from.
        self.begun = False
        for name in ("PGHOST", "PGDATABASE", "PGUSER"):
            if not os.environ.get(name):
                raise Misuse(f"{name} is not set", do="set PGHOST, PGDATABASE, PGUSER, and PGSSLMODE=verify-full with PGSSLROOTCERT")
        password = {"password": Path(password_file).read_text().rstrip("\n")} if password_file else {}
        # A cut connection is noticed within half a minute, here and there: there it would keep the lock.
        self.connection = psycopg.connect(
            autocommit=True,
            application_name="event-store-migration",
            connect_timeout=10,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=4,
            tcp_user_timeout=30_000,
            options=f"{os.environ.get('PGOPTIONS', '')} -c timezone=UTC -c lock_timeout=60s -c search_path=public {NOTICED}",
            **password,
        )

    def prepare(self, write: bool) -> None:
        """Checks everything that can be checked before the first event, and takes the lock."""
        version = self._one("SELECT value FROM store_metadata WHERE key = 'schema_version'") if self._one(
            "SELECT to_regclass('public.events') IS NOT NULL AND to_regclass('public.store_metadata') IS NOT NULL"
        ) else "none"
        if version != SCHEMA_VERSION:
            raise Failure(
                f"PostgreSQL's event store has schema version {version}, known is {SCHEMA_VERSION}",
                where=f"database {self.connection.info.dbname}",
                do="apply the event store's schema first (its Job), or use a release of this tool that knows it",
            )
        lacking = [
            name for name in COLUMNS
            if not self._one("SELECT has_column_privilege('public.events', %s, 'INSERT')", (name,))
        ]
        may_create = self._one("SELECT has_database_privilege(current_database(), 'CREATE')")
        if lacking or not may_create:
            raise Failure(
                f"the role {self.connection.info.user} may not do what a migration needs",
                why=f"no INSERT on columns {lacking}" if lacking else "no CREATE on the database, for the schema migration",
                do="connect as lighthouse_owner",
            )
        for _ in range(LOCK_TRIES):
            if self._one(f"SELECT pg_try_advisory_lock({LOCK})"):
                break
            time.sleep(LOCK_WAIT_SECONDS)
        else:
            holder = self._one(
                "SELECT string_agg('process ' || pid || ' of PostgreSQL, since ' || backend_start, ', ') FROM pg_stat_activity "
                "WHERE application_name = 'event-store-migration' AND pid <> pg_backend_pid()"
            )
            raise Failure("another run is at work", where=holder or "", do="wait for its end, or end that process of PostgreSQL; nothing was done here")
        if write:
            self.connection.execute((Path(__file__).parent / "state.sql").read_text())
            self.connection.execute(
                "INSERT INTO migration.sources (kind, path) VALUES (%s, %s) ON CONFLICT DO NOTHING", (self.kind, self.path)
            )
        self.begun = self._one("SELECT to_regclass('migration.sources') IS NOT NULL")

    def oldest(self) -> int:
        """Maintenance deletes what is before this."""
        return self._one(
            "SELECT (extract(epoch FROM (clock_timestamp() AT TIME ZONE 'UTC')::date - value::integer) * 1000000)::bigint"
            " FROM store_metadata WHERE key = 'retention_days'"
        )

    def live(self) -> str:
        found = self._one("SELECT live FROM migration.sources WHERE kind = %s", (self.kind,)) if self.begun else None
        return found or "source"

    def position(self, segment: Segment, start: int) -> int:
        found = self._one(
            "SELECT position FROM migration.segments WHERE kind = %s AND identity = %s", (self.kind, segment.identity)
        ) if self.begun else None
        return start if found is None else found

    def known(self) -> dict[str, str]:
        """Names of the segments that were copied from, by identity."""
        return {} if not self.begun else dict(self.connection.execute(
            "SELECT identity, name FROM migration.segments WHERE kind = %s AND EXISTS (SELECT FROM migration.batches AS b"
            " WHERE b.kind = segments.kind AND b.identity = segments.identity)", (self.kind,)).fetchall())

    def batches(self, since: int = 0) -> list[Batch]:
        rows = self.connection.execute(
            "SELECT number, identity, first_position, last_position, transaction_id::text, copied FROM migration.batches"
            " WHERE kind = %s AND number > %s ORDER BY number", (self.kind, since))
        return [Batch(*row) for row in rows]

    def totals(self) -> Counts:
        return Counts(*self.connection.execute(
            "SELECT coalesce(sum(copied), 0)::bigint, coalesce(sum(present), 0)::bigint, coalesce(sum(expired), 0)::bigint,"
            " coalesce(sum(rejected), 0)::bigint FROM migration.batches WHERE kind = %s", (self.kind,)).fetchone())

    def rejected(self, limit: int) -> list[tuple[str, int, str]]:
        return self.connection.execute(
            "SELECT name, at, reason FROM migration.rejected WHERE kind = %s ORDER BY name, at LIMIT %s", (self.kind, limit)
        ).fetchall()

    def rejected_of(self, batch: Batch) -> set[int]:
        rows = self.connection.execute(
            "SELECT at FROM migration.rejected WHERE kind = %s AND identity = %s AND at BETWEEN %s AND %s",
            (self.kind, batch.identity, batch.first, batch.last),
        )
        return {at for (at,) in rows}

    def events_of(self, batch: Batch) -> Iterator[Event]:
        rows = self.connection.execute(
            f"SELECT {READ} FROM events AS e WHERE e.transaction_id = %s::xid8 ORDER BY e.sequence_id", (batch.transaction,)
        )
        return (Event(*row) for row in rows)

    def find(self, event: Event) -> Event | None:
        """By its id, as a client would."""
        for row in self.connection.execute(f"SELECT {READ} FROM events AS e WHERE e.event_id = %s", (event.event_id,)):
            found = Event(*row)
            if found.timestamp == event.timestamp:
                return found
        return None

    def aggregates(self, since: int) -> Iterator[tuple[str, int, int | None, int | None, int | None]]:
        """Per aggregate of what was copied: events, lowest and highest version, different versions."""
        with self.connection.transaction(), self.connection.cursor("aggregates") as cursor:
            cursor.itersize = 5000
            cursor.execute(
                "SELECT coalesce(aggregate_id, '') COLLATE \"C\" AS id, count(*), min(aggregate_version), max(aggregate_version),"
                " count(DISTINCT aggregate_version) FROM events WHERE transaction_id IN (SELECT transaction_id FROM"
                " migration.batches WHERE kind = %s AND number > %s) GROUP BY id ORDER BY id",
                (self.kind, since),
            )
            yield from cursor

    def pages(self, cursor: tuple[int, int]) -> Iterator[list[Returned]]:
        """Events appended after a place, that no migration has copied here."""
        query = (
            f"SELECT e.transaction_id::text, e.sequence_id, {READ} FROM events AS e"
            " WHERE (e.transaction_id, e.sequence_id) > (%s::text::xid8, %s)"
            " AND NOT EXISTS (SELECT FROM migration.batches AS b WHERE b.transaction_id = e.transaction_id)"
            " ORDER BY e.transaction_id, e.sequence_id LIMIT %s"
        )
        while rows := self.connection.execute(query, (*cursor, PAGE_EVENTS)).fetchall():
            yield [Returned(int(transaction), sequence, Event(*row)) for transaction, sequence, *row in rows]
            cursor = int(rows[-1][0]), rows[-1][1]

    def last_sequence(self) -> int:
        """The highest number that a copied event had in the old store."""
        return self._one(
            "SELECT coalesce(max(source_sequence), 0) FROM events WHERE transaction_id IN"
            " (SELECT transaction_id FROM migration.batches WHERE kind = %s)", (self.kind,))

    def foreign(self) -> int:
        """Events that no migration has copied here."""
        return self._one(
            "SELECT count(*) FROM events AS e"
            " WHERE NOT EXISTS (SELECT FROM migration.batches AS b WHERE b.transaction_id = e.transaction_id)"
        )

    def set(self, **values: object) -> None:
        """Changes the line of this source."""
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.SQL(value) if isinstance(value, Now) else sql.Literal(value))
            for name, value in values.items()
        )
        self.connection.execute(sql.SQL("UPDATE migration.sources SET {} WHERE kind = {}").format(assignments, sql.Literal(self.kind)))

    def get(self, name: str) -> object:
        return self._one(sql.SQL("SELECT {}::text FROM migration.sources WHERE kind = %s").format(sql.Identifier(name)), (self.kind,))

    def _one(self, query: str | sql.Composed, values: tuple[object, ...] = ()) -> object:
        row = self.connection.execute(query, values).fetchone()
        return row[0] if row else None


class Now(str):
    """An expression of SQL, not a value."""
