"""What a store has to offer to be copied."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .event import Event
from .returning import Returned


@dataclass(slots=True, frozen=True)
class Segment:
    """What is read from a position on: the table of a SQLite store, or one log file whatever it is called by now."""

    identity: str
    name: str


@dataclass(slots=True)
class Item:
    """A record of a segment: an event, or the reason why it is none."""

    # sequence_id in SQLite, offset in a log file.
    at: int
    # The position that a next run goes on from.
    next: int
    event: Event | None
    reason: str = ""
    # As it was found, of what is no event.
    raw: bytes = b""
    size: int = 0


class Source(Protocol):
    kind: str
    path: str
    # Whether the store keeps created_at.
    keeps_created_at: bool
    # What a person should know, and no run fails for.
    remarks: list[str]

    def check(self) -> None: ...

    def start(self) -> int:
        """The position before the first record."""
        ...

    def segments(self) -> list[Segment]: ...

    def read(self, segment: Segment, position: int, final: bool) -> Iterator[Item]:
        """Records from a position on, in order. `final`: nobody writes any more, so half a record at the end is a bad one."""
        ...

    def is_open(self) -> str:
        """Who has the store open, as far as it can be seen; empty for nobody."""
        ...

    def size(self) -> int: ...

    def seal(self) -> None: ...

    def unseal(self) -> None: ...

    def returned(self) -> tuple[int, int] | None:
        """How far a rollback has come; it is kept in the store, with the events."""
        ...

    def write(self, pages: Iterable[list[Returned]], cutover: int, sequence: int) -> Iterator[int]: ...

    def confirm(self, pages: Iterable[list[Returned]]) -> Iterator[tuple[Returned, str]]: ...
