"""What a copy would meet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .source import Source
from .sqlite_source import SqliteSource
from .target import Target

SHOWN = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOLD = 100_000


def plan(source: Source, target: Target, say: Callable[[str], None]) -> dict[str, object]:
    oldest, latest = target.oldest(), _micros(datetime.now(UTC) + timedelta(days=1))
    events = rejected = expired = ahead = size = largest = behind = 0
    first = last = before = None
    examples: list[str] = []
    for segment in source.segments():
        for item in source.read(segment, source.start(), final=False):
            event = item.event
            if event is None:
                rejected += 1
                if len(examples) < SHOWN:
                    examples.append(f"{segment.name}, {item.at}: {item.reason}")
                continue
            events += 1
            length = len(event.event_data) + len(event.metadata)
            size, largest = size + length, max(largest, length)
            expired += event.timestamp < oldest
            ahead += event.timestamp > latest
            # The clock was set back, or files are out of order.
            behind += before is not None and event.timestamp < before
            before = event.timestamp
            first = before if first is None else min(first, before)
            last = before if last is None else max(last, before)
            if events % TOLD == 0:
                say(f"{segment.name}: {events:,} events read")
    return {
        "segments": len(source.segments()),
        "bytes_on_disk": source.size(),
        "events": events,
        "json_characters": size,
        "largest_event_characters": largest,
        "first_event": _text(first),
        "last_event": _text(last),
        "clock_steps_back": behind,
        "ahead_of_the_clock": ahead,
        "older_than_retention": expired,
        "retention_reaches_back_to": _text(oldest),
        "rejected": rejected,
        "rejected_first": examples,
        "damage_of_the_file": source.damage() if isinstance(source, SqliteSource) else [],
        "copied_before": target.totals().copied if target.begun else 0,
        "live": target.live(),
    }


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _text(micros: int | None) -> str | None:
    try:
        return None if micros is None else (EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return f"{micros} microseconds since 1970"
