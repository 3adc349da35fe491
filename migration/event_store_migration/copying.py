"""Copies what is not copied yet, a batch at a time."""

import time
from collections.abc import Callable

from .appending import Appender
from .errors import Failure
from .source import Item, Source
from .target import Counts, Target

# A batch is held in memory and is one transaction, which maintenance of the partitions waits for (two seconds at most).
BATCH_EVENTS, BATCH_BYTES = 1000, 4 << 20
PROGRESS_SECONDS = 10


def copy(source: Source, target: Target, say: Callable[[str], None], *, dry: bool, skip_expired: bool, final: bool) -> Counts:
    if target.live() == "postgresql":
        raise Failure(
            "the bridge already uses PostgreSQL",
            where=f"{target.kind}, migration.sources",
            do="nothing is left to copy; `rollback` goes back to the old store",
        )
    segments, known = source.segments(), target.known()
    if known and not known.keys() & {segment.identity for segment in segments}:
        raise Failure(
            "this is not the store that the migration began with",
            where=source.path,
            why=f"PostgreSQL holds events of {', '.join(sorted(known.values()))}, of which nothing is here",
            do="give the store it began with",
        )
    for identity in known.keys() - {segment.identity for segment in segments}:
        source.remarks.append(
            f"{known[identity]} is gone since it was copied; what the bridge appended to it after that is lost"
        )

    oldest, appender = target.oldest(), Appender(target)
    counts, begun, told = Counts(), time.monotonic(), time.monotonic()
    for segment in segments:
        first = last = target.position(segment, source.start())
        items: list[Item] = []
        read = size = expired = 0

        def flush() -> None:
            nonlocal first, items, read, size, expired, told
            if last == first:
                return
            counts.add(appender.write(segment, first, last, items, expired, dry))
            first, items, read, size, expired = last, [], 0, 0, 0
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                rate = (counts.copied + counts.present) / (told - begun)
                say(f"{segment.name}: {counts.copied:,} copied, {rate:,.0f} events/s")

        for item in source.read(segment, first, final):
            last = item.next
            read += 1
            if item.event and item.event.timestamp < oldest:
                if not skip_expired:
                    raise Failure(
                        f"event {item.event.event_id} is older than PostgreSQL keeps events",
                        where=f"{source.path}, {segment.name}, {item.at}",
                        why="the next maintenance of the partitions would delete it",
                        do="raise the retention (eventRetentionDays) above the age of the oldest event that `plan` tells,"
                        " or leave such events behind with --skip-expired",
                    )
                expired += 1
            else:
                items.append(item)
                size += len(item.event.event_data) + len(item.event.metadata) if item.event else len(item.raw)
            if read >= BATCH_EVENTS or size >= BATCH_BYTES:
                flush()
        flush()
    return counts
