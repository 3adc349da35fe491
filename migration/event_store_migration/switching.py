"""The two moments at which the bridge's store changes: cutover, and rollback."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from .errors import Failure
from .source import Source
from .target import Now, Target

MARKER = "event-store.json"
TOLD = 10_000


def marker(source: Source) -> Path:
    path = Path(source.path)
    return (path if path.is_dir() else path.parent) / MARKER


def require_writable(source: Source) -> None:
    folder = marker(source).parent
    if not os.access(folder, os.W_OK):
        raise Failure(
            "the old store cannot be written to",
            where=str(folder),
            why="it is sealed at the cutover and opened at a rollback",
            do="mount the volume writable, and run as the user the files belong to (1000)",
        )


def mark(source: Source, **values: object) -> None:
    """Tells whoever looks at the volume which store is in use."""
    file = marker(source)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(values, indent=2, default=str) + "\n")
    os.replace(fresh, file)


def cut_over(source: Source, target: Target, content_hash: str) -> None:
    """After the last delta is copied and validated. What is done twice changes nothing."""
    # A cutover that was cut off has sealed it already.
    source.unseal()
    require_writable(source)
    mark(source, live="postgresql", sealed_because="moved to PostgreSQL; `rollback` goes back", content_hash=content_hash)
    source.seal()
    target.set(
        live="postgresql",
        cutover_transaction=Now("pg_current_xact_id()"),
        cutover_at=Now("now()"),
        content_hash=content_hash,
        returned_transaction=None,
        returned_sequence=None,
        rolled_back_at=None,
    )


def roll_back(source: Source, target: Target, say: Callable[[str], None]) -> tuple[int, list[str]]:
    """Gives how many events went back, and what could not."""
    if target.live() != "postgresql":
        raise Failure("there was no cutover to roll back", where=f"{target.kind}, migration.sources", do="nothing: the old store is in use")
    source.unseal()
    require_writable(source)
    cutover = int(str(target.get("cutover_transaction")))
    sequence = target.last_sequence() + 1
    begin = (cutover, 2**63 - 1)
    count = 0
    for written in source.write(target.pages(max(source.returned() or begin, begin)), cutover, sequence):
        count += written
        if count // TOLD > (count - written) // TOLD:
            say(f"{count:,} events went back")
    # Of the earlier runs of this rollback too.
    left = [f"event {each.event.event_id}, sequence_id {each.sequence}: {why}" for each, why in source.confirm(target.pages(begin))]
    target.set(live="source", rolled_back_at=Now("now()"))
    marker(source).unlink(missing_ok=True)
    return count, left
