"""An event as both stores hold it, and what makes two of them the same."""

import hashlib
import json
import uuid
from dataclasses import astuple, dataclass, fields
from decimal import Context, Decimal

from .errors import Unfit

# PostgreSQL: numeric holds this many digits before the point and after it.
WHOLE_DIGITS, FRACTION_DIGITS = 131_072, 16_383
EXACT = Context(prec=WHOLE_DIGITS + FRACTION_DIGITS)
INT64 = range(-(2**63), 2**63)
INT32 = range(2**31)
# PostgreSQL: timestamptz reaches from 4714 BC to 294276 AD.
MICROSECONDS = range(-210_866_803_200_000_000, 9_223_371_331_200_000_000)
# The checks of the table `events`.
LENGTHS = {
    "event_id": 255,
    "event_type": 255,
    "agent_id": 255,
    "aggregate_id": 1024,
    "aggregate_type": 255,
    "source_agent": 255,
    "source_component": 255,
    "causation_id": 255,
}
OPTIONAL = {"agent_id", "aggregate_id", "source_agent", "causation_id"}
# What the application's own model has; a JSON object with these is a whole event, not only its data.
WHOLE_EVENT = {"event_type", "aggregate_id", "data"}


@dataclass(slots=True)
class Event:
    """One row of `events`, without what PostgreSQL itself gives."""

    source_sequence: int | None
    event_id: str
    event_type: str
    # Microseconds since 1970.
    timestamp: int
    # Seconds since 1970; only SQLite keeps it.
    created_at: int | None
    agent_id: str | None
    aggregate_id: str | None
    aggregate_type: str
    aggregate_version: int | None
    schema_version: int
    correlation_id: str | None
    causation_id: str | None
    source_agent: str | None
    source_component: str
    checksum: str | None
    # JSON text.
    event_data: str
    metadata: str


COLUMNS = tuple(field.name for field in fields(Event))


def check(event: Event) -> None:
    """Refuses what the table would refuse, so that one bad event does not fail the batch it is in."""
    for name, longest in LENGTHS.items():
        text(name, getattr(event, name), longest, name in OPTIONAL)
    number("sequence", event.source_sequence, INT64, optional=True)
    number("timestamp", event.timestamp, MICROSECONDS)
    number("created_at", event.created_at, INT32, optional=True)
    number("aggregate_version", event.aggregate_version, range(2**63), optional=True)
    if event.schema_version != 1:
        raise Unfit(f"schema_version is {event.schema_version!r}, known is 1")
    for name in ("event_data", "metadata"):
        canonical(getattr(event, name), name)


def text(name: str, value: object, longest: int, optional: bool) -> None:
    if value is None and optional:
        return
    if not isinstance(value, str):
        raise Unfit(f"{name} is {type(value).__name__}, not text")
    if not 1 <= len(value) <= longest:
        raise Unfit(f"{name} has {len(value)} characters, allowed are 1 to {longest}")
    if "\0" in value:
        raise Unfit(f"{name} holds U+0000, which PostgreSQL cannot keep")


def number(name: str, value: object, allowed: range, optional: bool = False) -> None:
    if value is None and optional:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise Unfit(f"{name} is {value!r}, allowed are whole numbers from {allowed[0]} to {allowed[-1]}")


def canonical(json_text: str, name: str) -> str:
    """The same text for the same JSON object, whether Python or jsonb has written it: keys in order, numbers by value."""
    try:
        value = DECODER.decode(json_text)
        if not isinstance(value, dict):
            raise Unfit(f"{name} is no JSON object")
        if "\\u0000" in json_text and _has_nul(json.loads(json_text)):
            raise Unfit(f"{name} holds U+0000, which PostgreSQL cannot keep")
        result = ENCODER.encode(value)
        result.encode()
    except UnicodeEncodeError:
        raise Unfit(f"{name} holds half of a surrogate pair, which is no Unicode") from None
    except (ValueError, RecursionError) as error:
        raise Unfit(f"{name} is no JSON that PostgreSQL takes: {error}") from None
    return result


def _exact(digits: str) -> int | str:
    value = Decimal(digits)
    if value and not -FRACTION_DIGITS <= value.adjusted() < WHOLE_DIGITS:
        raise Unfit(f"a number is out of range: {digits[:40]}")
    if value == value.to_integral_value(context=EXACT):
        return int(value)
    # Marked by a character that no string of jsonb holds.
    return f"\0{value.normalize(EXACT)}"


def _no_number(name: str) -> None:
    raise Unfit(f"{name} is no JSON")


# Made once: making them takes longer than a small event.
DECODER = json.JSONDecoder(parse_float=_exact, parse_constant=_no_number)
ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key for key in value) or any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))


def digest(event: Event, with_created_at: bool) -> bytes:
    """Over all that the event holds. Log files know no created_at: there PostgreSQL gives it."""
    *scalars, data, metadata = astuple(event)
    if not with_created_at:
        scalars[COLUMNS.index("created_at")] = None
    whole = json.dumps([*scalars, canonical(data, "event_data"), canonical(metadata, "metadata")])
    return hashlib.sha256(whole.encode()).digest()


def same(one: Event, other: Event) -> bool:
    """Whether two are one event, that was stored twice or went from one store to the other and back."""
    # Log files know no versions: what went back to them has lost its own.
    versions = {one.aggregate_version, other.aggregate_version} - {None}
    return len(versions) < 2 and _meaning(one) == _meaning(other)


def _meaning(event: Event) -> tuple[object, ...]:
    data = json.loads(event.event_data)
    # As Python reads it, for the old stores hold what Python writes: digits beyond a double's are lost on the way back.
    inner = json.dumps(data["data"] if is_whole_event(data) else data)
    return (
        event.event_id,
        event.event_type,
        event.timestamp,
        event.aggregate_id or "unknown",
        canonical(inner, "event_data"),
        canonical(event.metadata, "metadata"),
    )


def is_whole_event(data: dict[str, object]) -> bool:
    return data.keys() >= WHOLE_EVENT and isinstance(data["data"], dict)


def as_uuid(value: object) -> str | None:
    """None for what is no UUID."""
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
