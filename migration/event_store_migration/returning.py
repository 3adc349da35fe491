"""Events on their way back from PostgreSQL: the model that the old stores hold."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .event import Event, is_whole_event

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Returned:
    """An event with its place in PostgreSQL."""

    transaction: int
    sequence: int
    event: Event


def whole_event(event: Event, sequence: int) -> dict[str, object]:
    """The application's whole event, which its old stores keep, with its number there."""
    data = json.loads(event.event_data)
    if is_whole_event(data):
        return data | {"sequence": sequence}
    return {
        "event_id": event.event_id,
        "sequence": sequence,
        "event_type": event.event_type,
        # The application's model has none without; PostgreSQL may.
        "aggregate_id": event.aggregate_id or "unknown",
        "aggregate_type": event.aggregate_type,
        "timestamp": (EPOCH + timedelta(microseconds=event.timestamp)).isoformat(),
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "data": data,
        "metadata": json.loads(event.metadata),
        "source_agent": event.source_agent or event.agent_id,
        "source_component": event.source_component,
        "schema_version": event.schema_version,
    }
