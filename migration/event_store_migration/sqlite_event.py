"""An event as a row of the SQLite store: read, verified, and made again on the way back."""

import hashlib
import json

from .errors import Unfit
from .event import Event, as_uuid, check, is_whole_event
from .returning import whole_event
from .source import Item

COLUMNS = (
    "sequence_id", "event_id", "event_type", "timestamp", "agent_id", "aggregate_id", "aggregate_version",
    "event_data", "metadata", "checksum", "created_at",
)
SELECT = f"SELECT {', '.join(COLUMNS)} FROM events"


def item_of(row: tuple[object, ...], checksums: bool) -> Item:
    """A row as an event, or why it is none."""
    at = row[0]
    assert isinstance(at, int)
    try:
        return Item(at, at, _event(row, checksums))
    except Unfit as unfit:
        raw = repr(row).encode("utf-8", "backslashreplace")
        return Item(at, at, None, str(unfit), raw[: 1 << 20], len(raw))


def _event(row: tuple[object, ...], checksums: bool) -> Event:
    try:
        values = [value.decode() if isinstance(value, bytes) else value for value in row]
    except UnicodeDecodeError as error:
        raise Unfit(f"no UTF-8: {error}") from None
    held = dict(zip(COLUMNS, values, strict=True))
    data = held["event_data"]
    if not isinstance(data, str) or not isinstance(held["metadata"], str | None):
        raise Unfit("event_data or metadata is no text")
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"event_data is no JSON: {error}") from None
    whole = parsed if isinstance(parsed, dict) and is_whole_event(parsed) else {}
    event = Event(
        source_sequence=held["sequence_id"],
        **{name: held[name] for name in COLUMNS[1:7]},
        aggregate_type=_text(whole, "aggregate_type") or "unknown",
        schema_version=1,
        correlation_id=as_uuid(whole.get("correlation_id")),
        causation_id=_text(whole, "causation_id"),
        source_agent=_text(whole, "source_agent"),
        source_component=_text(whole, "source_component") or "unknown",
        checksum=held["checksum"],
        created_at=held["created_at"],
        event_data=data,
        metadata=held["metadata"] or "{}",
    )
    check(event)
    if whole.get("schema_version", 1) != 1:
        raise Unfit(f"schema_version is {whole['schema_version']!r}, known is 1")
    if event.checksum is not None and checksums:
        right = [checksum(event, form) for form in (whole.get("data"), parsed) if form is not None]
        if event.checksum not in right:
            raise Unfit(f"checksum is {event.checksum}, should be {right[0]}: the event was changed or damaged")
    return event


def row_of(event: Event, number: int) -> tuple[object, ...]:
    """An event as the bridge would have written it, under a number of its own."""
    data = whole_event(event, number)
    return (
        number, event.event_id, event.event_type, event.timestamp, event.agent_id, event.aggregate_id,
        event.aggregate_version, json.dumps(data), event.metadata,
        checksum(event, data["data"], number), event.created_at,
    )


def checksum(event: Event, data: object, number: int | None = None) -> str:
    sequence = event.source_sequence if number is None else number
    content = f"{sequence}:{event.event_id}:{event.event_type}:{data}"
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _text(held: dict[str, object], name: str) -> str | None:
    """A field of a whole event; it stays in event_data too, so what is no text loses nothing."""
    value = held.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None


def words(*texts: str) -> str:
    """What the bridge makes searchable: the strings of the data and of the metadata."""
    held = [json.loads(text) for text in texts]
    return " ".join(word for each in (held[0]["data"], held[1]) for word in each.values() if isinstance(word, str))
