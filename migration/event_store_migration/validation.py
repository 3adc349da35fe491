"""Compares both sides, event by event, in the order of the old store."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .event import COLUMNS, Event, digest, same
from .source import Item, Segment, Source
from .target import Batch, Target

SAMPLE = 1000
SHOWN = 20


@dataclass
class Findings:
    compared: int = 0
    present: int = 0
    expired: int = 0
    rejected: int = 0
    # Of the JSON that was compared value by value.
    samples: int = 0
    # Came to the old store since.
    not_copied: int = 0
    wrong: int = 0
    # The first of them.
    examples: list[str] = field(default_factory=list)
    # Of the old store itself.
    sequence_gaps: int = 0
    sequence_missing: int = 0
    sequence_repeats: int = 0
    aggregates: int = 0
    aggregates_with_gaps: int = 0
    source_hash: str = ""
    target_hash: str = ""
    last_batch: int = 0

    def say(self, wrong: str) -> None:
        self.wrong += 1
        if len(self.examples) < SHOWN:
            self.examples.append(wrong)


class Validation:
    def __init__(self, source: Source, target: Target, whole: bool, since: int = 0) -> None:
        self.source = source
        self.target = target
        # Whether the JSON of every event is compared value by value, or of every thousandth.
        self.whole = whole
        self.since = since
        self.findings = Findings(last_batch=since)
        self._hashes = hashlib.sha256(), hashlib.sha256()
        # On disk: a store may have as many aggregates as events.
        self._aggregates = sqlite3.connect("", isolation_level=None)
        self._aggregates.execute("CREATE TABLE seen (id TEXT, version INTEGER)")
        self._page: list[tuple[str, int | None]] = []

    def run(self, say: Callable[[str], None]) -> Findings:
        findings, oldest = self.findings, self.target.oldest()
        segments = {segment.identity: segment for segment in self.source.segments()}
        reading: tuple[str, int] = ("", 0)
        items: Iterator[Item] = iter(())
        sequence: int | None = None
        for batch in self.target.batches(self.since):
            segment = segments.get(batch.identity)
            findings.last_batch = batch.number
            if segment is None:
                findings.say(f"batch {batch.number}: the file it was copied from is gone, {batch.copied} events cannot be compared")
                continue
            if reading != (batch.identity, batch.first):
                items = self.source.read(segment, batch.first, final=True)
                sequence = None
            sequence = self._batch(batch, segment, items, oldest, sequence)
            reading = (batch.identity, batch.last)
            if batch.number % 100 == 0:
                say(f"{segment.name}: {findings.compared:,} events compared, {findings.wrong} differ")
        for segment in segments.values():
            for _ in self.source.read(segment, self.target.position(segment, self.source.start()), final=False):
                findings.not_copied += 1
        self._flush()
        self._compare_aggregates()
        findings.source_hash, findings.target_hash = (each.hexdigest() for each in self._hashes)
        if findings.source_hash != findings.target_hash and not findings.wrong:
            findings.say("the hashes over all events in their order differ")
        return findings

    def _batch(self, batch: Batch, segment: Segment, items: Iterator[Item], oldest: int, sequence: int | None) -> int | None:
        findings = self.findings
        aside = self.target.rejected_of(batch)
        rows = self.target.events_of(batch)
        row, position = next(rows, None), batch.first
        while position < batch.last and (item := next(items, None)) is not None:
            position, event = item.next, item.event
            where = f"{segment.name}, {item.at}"
            if event is not None:
                sequence = self._sequence(event, sequence)
            if item.at in aside:
                findings.rejected += 1
            elif event is None:
                findings.say(f"{where}: not in PostgreSQL and not put aside: {item.reason}")
            elif row is not None and (row.event_id, row.timestamp) == (event.event_id, event.timestamp):
                self._pair(event, row, where)
                row = next(rows, None)
            elif event.timestamp < oldest:
                findings.expired += 1
            elif (found := self.target.find(event)) is not None and same(event, found):
                findings.present += 1
            else:
                findings.say(f"{where}: event {event.event_id} is not in PostgreSQL, or not at its place")
        for left in [row] * (row is not None) + list(rows):
            findings.say(f"batch {batch.number}: event {left.event_id} is in PostgreSQL but not in {segment.name}")
        if position < batch.last:
            findings.say(f"{segment.name}: ends at {position}, but was copied up to {batch.last}")
        return sequence

    def _pair(self, event: Event, row: Event, where: str) -> None:
        findings, keeps = self.findings, self.source.keeps_created_at
        pair = digest(event, keeps), digest(row, keeps)
        for whole, one in zip(self._hashes, pair, strict=True):
            whole.update(one)
        if pair[0] != pair[1]:
            names = [name for name in COLUMNS if getattr(event, name) != getattr(row, name)]
            findings.say(f"{where}: event {event.event_id} differs in {', '.join(names)}")
        elif self.whole or findings.compared % SAMPLE == 0:
            findings.samples += 1
            found = row if self.whole else self.target.find(event)
            for name in ("event_data", "metadata"):
                text = getattr(found, name) if found else "null"
                path = difference(json.loads(getattr(event, name)), json.loads(text))
                if path is not None:
                    findings.say(f"{where}: event {event.event_id}, {name} differs at {path or 'its root'}")
        findings.compared += 1
        self._page.append((event.aggregate_id or "", event.aggregate_version))
        if len(self._page) >= 10_000:
            self._flush()

    def _sequence(self, event: Event, before: int | None) -> int | None:
        sequence = event.source_sequence
        if before is not None and sequence is not None and sequence != before + 1:
            if sequence > before:
                self.findings.sequence_gaps += 1
                self.findings.sequence_missing += sequence - before - 1
            else:
                self.findings.sequence_repeats += 1
        return sequence

    def _flush(self) -> None:
        self._aggregates.execute("BEGIN")
        self._aggregates.executemany("INSERT INTO seen VALUES (?, ?)", self._page)
        self._aggregates.execute("COMMIT")
        self._page.clear()

    def _compare_aggregates(self) -> None:
        ours = self._aggregates.execute(
            "SELECT id, count(*), min(version), max(version), count(DISTINCT version) FROM seen GROUP BY id ORDER BY id"
        )
        theirs = self.target.aggregates(self.since)
        one, other = next(ours, None), next(theirs, None)
        while one is not None or other is not None:
            if one == other and one is not None:
                self.findings.aggregates += 1
                _, count, low, high, different = one
                if high is not None and (different != high - low + 1 or different != count):
                    self.findings.aggregates_with_gaps += 1
                one, other = next(ours, None), next(theirs, None)
                continue
            names = [row[0].encode() for row in (one, other) if row is not None]
            name = min(names)
            self.findings.say(f"aggregate {name.decode()}: {one} in the old store, {other} in PostgreSQL (events, versions)")
            if one is not None and one[0].encode() == name:
                one = next(ours, None)
            if other is not None and other[0].encode() == name:
                other = next(theirs, None)


def difference(one: object, other: object, path: str = "") -> str | None:
    """Where two JSON values first differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key not in one or key not in other:
                return f"{path}.{key}"
            if (found := difference(one[key], other[key], f"{path}.{key}")) is not None:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            if (found := difference(*pair, f"{path}[{index}]")) is not None:
                return found
        return None
    if isinstance(one, float) != isinstance(other, float) and not isinstance(one, bool) and not isinstance(other, bool):
        # jsonb writes 1.5e30 as a whole number.
        same_number = isinstance(one, float | int) and isinstance(other, float | int) and float(one) == float(other)
        return None if same_number else path
    return None if one == other and isinstance(one, bool) == isinstance(other, bool) else path
