"""What MessagePack holds, as JSON."""

import json

from .errors import Unfit


def to_json(name: str, value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        # Bytes, dates, infinities: JSON has no place for them, and another form would be another event.
        raise Unfit(f"{name} is no JSON: {error}") from None
