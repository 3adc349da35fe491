"""
The bridge's log files: events_NNNNNN.log, rotated ones as .log.gz or, out of the next rotation's way, as events_NNNNNN-TIME.log.gz;
in the order of file and place in the file.
"""

import fnmatch
import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgpack

from .errors import Failure, Misuse, Unfit
from .event import Event, as_uuid, check, same
from .json_text import to_json
from .log_writer import LogWriter
from .returning import Returned
from .source import Item, Segment
from .window import Window

# What the bridge reads, and what of it has a place in the order.
READ_BY_BRIDGE = "events_*.log*"
NAME = re.compile(r"events_(\d+)(-\w+)?\.log(\.gz)?")
# A record: length, HMAC, body. The bridge takes events up to 1 MiB; a length above this is damage.
HEAD, MAC_START, LONGEST = 36, 4, 1 << 24
# Where a record could begin: a length below LONGEST, and after the HMAC a MessagePack map.
CANDIDATE = re.compile(rb"(?s)(?=\x00.{35}[\x80-\x8f\xde\xdf])")
RAW_KEPT = 1 << 20
PROBED = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REQUIRED = {"event_id", "sequence", "event_type", "aggregate_id", "timestamp"}
DEFAULTS: dict[str, object] = {
    "aggregate_type": "unknown",
    "correlation_id": None,
    "causation_id": None,
    "data": {},
    "metadata": {},
    "source_agent": None,
    "source_component": "unknown",
    "schema_version": 1,
}


def _place(name: re.Match[str]) -> tuple[int, bool, bool, str]:
    return int(name[1]), name[2] is None, name[3] is None, name[0]


class LogSource:
    kind = "logs"
    keeps_created_at = False

    def __init__(self, path: str, keys: list[bytes], unverified: bool = False) -> None:
        self.path = path
        # The newest first; those from before a rotation after it.
        self.keys = keys
        # Whether whole files that no key fits are put aside instead of ending the run.
        self.unverified = unverified
        self.remarks: list[str] = []

    def check(self) -> None:
        if not Path(self.path).is_dir():
            raise Failure("there is no folder of log files", where=self.path, do="name it with --logs")
        if not self.keys:
            raise Misuse(
                "the HMAC key of the log files is missing",
                do="mount the bridge's event secret and name its file with --event-secret-file, or set LIGHTHOUSE_EVENT_SECRET",
            )
        known = self._names()
        if unknown := sorted(set(fnmatch.filter(os.listdir(self.path), READ_BY_BRIDGE)) - set(known)):
            raise Failure(
                f"there are files whose place in the order is not known: {', '.join(unknown)}",
                where=self.path,
                why="the bridge reads them, and their events would be left behind",
                do="name them events_NNNNNN.log, events_NNNNNN.log.gz or events_NNNNNN-TIME.log.gz, or take them out of the folder",
            )
        for segment in self.segments():
            self._probe(segment)

    def segments(self) -> list[Segment]:
        """In the order of their numbers; of one number those that were kept first, then the rotated one: they are older."""
        found: dict[str, Segment] = {}
        for name in self._names():
            with Window(self._file(name)) as window:
                head = window.get(0, HEAD)
            if window.damage and not head:
                found[name] = Segment(hashlib.sha256(name.encode()).hexdigest()[:32], name)
            elif head:
                # What a file begins with stays, whatever the file is renamed to. A rotation that was cut off leaves
                # the same content twice; the plain file, which comes later, is the one that is whole.
                identity = hashlib.sha256(head).hexdigest()[:32]
                found[identity] = Segment(identity, name)
        return list(found.values())

    def _names(self) -> list[str]:
        matches = [match for name in os.listdir(self.path) if (match := NAME.fullmatch(name))]
        return [match[0] for match in sorted(matches, key=_place)]

    def _file(self, name: str) -> Path:
        return Path(self.path) / name

    def start(self) -> int:
        return 0

    def _probe(self, segment: Segment) -> None:
        """A key that fits none of a file's records is the wrong key, and not a hundred damaged records."""
        offset = seen = fit = 0
        with Window(self._file(segment.name)) as window:
            while seen < PROBED and (length := self._framed(window, offset)) is not None:
                seen += 1
                fit += self._verified(window, offset, length)
                offset += HEAD + length
        if seen >= 3 and fit == 0 and not self.unverified:
            raise Failure(
                f"the key fits none of the first {seen} records",
                where=f"{self._file(segment.name)}, offset 0",
                why="it is the wrong key, or the file was written before the event secret was changed",
                do="give the secret it was written with as a further --event-secret-file; if that is lost,"
                " --quarantine-unverified puts such records aside in PostgreSQL",
            )

    def read(self, segment: Segment, position: int, final: bool) -> Iterator[Item]:
        file = self._file(segment.name)
        with Window(file) as window:
            if position and not window.get(position - 1, 1):
                if window.damage:
                    return
                raise Failure(
                    f"the file is shorter than the {position} bytes that were copied from it",
                    where=str(file),
                    do="give the folder that the migration began with; bring the file back from a backup",
                )
            offset = position
            while window.get(offset, 1):
                length = self._framed(window, offset)
                if length is not None and self._verified(window, offset, length):
                    yield self._item(window, offset, length)
                    offset += HEAD + length
                    continue
                end = self._resume(window, offset, length)
                if end is None:
                    end, whole = window.end(offset), length is not None
                    # The bridge may be in the middle of writing it.
                    if not whole and not final and not file.name.endswith(".gz"):
                        self.remarks.append(f"{file}: {end - offset} bytes from offset {offset} on are no whole record yet")
                        return
                reason = "HMAC does not fit: changed, damaged, or written with another key"
                if length is None:
                    reason = f"no whole record in {end - offset} bytes: torn write or damage"
                yield Item(offset, end, None, reason, window.get(offset, min(end - offset, RAW_KEPT)), end - offset)
                offset = end
            if window.damage:
                raw = window.damage.encode()
                yield Item(offset, offset + 1, None, f"what follows cannot be unpacked: {window.damage}", raw, 0)

    def _framed(self, window: Window, offset: int) -> int | None:
        """The length of what looks like a record, whether or not its HMAC fits."""
        head = window.get(offset, HEAD + 1)
        if len(head) <= HEAD or not CANDIDATE.match(head):
            return None
        length = int.from_bytes(head[:MAC_START], "big")
        whole = HEAD + length
        return length if 0 < length < LONGEST and len(window.get(offset, whole)) == whole else None

    def _verified(self, window: Window, offset: int, length: int) -> bool:
        mac, body = window.get(offset + MAC_START, HEAD - MAC_START), window.get(offset + HEAD, length)
        for key in self.keys:
            if hmac.compare_digest(mac, hmac.digest(key, body, "sha256")):
                return True
        return False

    def _resume(self, window: Window, offset: int, length: int | None) -> int | None:
        """Where the next record begins after a bad one."""
        if length is not None:
            following = offset + HEAD + length
            if not window.get(following, 1) or self._framed(window, following) is not None:
                return following
        # The length itself is damaged.
        at = offset + 1
        while chunk := window.get(at, RAW_KEPT + HEAD):
            for match in CANDIDATE.finditer(chunk):
                place = at + match.start()
                found = self._framed(window, place)
                if found is not None and self._verified(window, place, found):
                    return place
            at += RAW_KEPT
        return None

    def _item(self, window: Window, offset: int, length: int) -> Item:
        body, after = window.get(offset + HEAD, length), offset + HEAD + length
        try:
            return Item(offset, after, _event(body), size=length)
        except Unfit as unfit:
            raw = window.get(offset, min(HEAD + length, RAW_KEPT))
            return Item(offset, after, None, str(unfit), raw, HEAD + length)

    def returned(self) -> tuple[int, int] | None:
        return self._writer().returned()

    def _writer(self) -> LogWriter:
        return LogWriter(Path(self.path), self.keys[0])

    def write(self, pages: Iterable[list[Returned]], cutover: int, sequence: int) -> Iterator[int]:
        """Appends events as new files; gives how many of each page went in."""
        last = max((int(match[1]) for name in self._names() if (match := NAME.fullmatch(name))), default=0)
        return self._writer().write(pages, cutover, last + 1, sequence)

    def confirm(self, pages: Iterable[list[Returned]]) -> Iterator[tuple[Returned, str]]:
        """What did not come back, and why."""
        fresh = [segment for segment in self.segments() if segment.name in self._writer().files()]
        held = (item.event for segment in fresh for item in self.read(segment, 0, final=True))
        for returned in (each for page in pages for each in page):
            event = next(held, None)
            if event is None or not same(event, returned.event):
                yield returned, "is not in the new log files, or not at its place"

    def is_open(self) -> str:
        """Plain appends hold no lock: nothing to be seen here."""
        return ""

    def size(self) -> int:
        return sum(self._file(name).stat().st_size for name in self._names())

    def seal(self) -> None:
        """No old bridge (which is not root) opens a file in a folder that may not be written to."""
        self._mode(lambda mode: mode & ~0o222)

    def unseal(self) -> None:
        self._mode(lambda mode: mode | stat.S_IWUSR)

    def _mode(self, change: Callable[[int], int]) -> None:
        try:
            for path in (*map(self._file, self._names()), Path(self.path)):
                path.chmod(change(stat.S_IMODE(path.stat().st_mode)))
        except PermissionError as error:
            raise Failure(
                "the log files cannot be sealed", where=self.path, why=str(error), do="run as the user the files belong to"
            ) from error


def _event(body: bytes) -> Event:
    try:
        held = msgpack.unpackb(body, raw=False, strict_map_key=True)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise Unfit(f"no MessagePack: {error}") from None
    if not isinstance(held, dict):
        raise Unfit("no map")
    missing, unknown = REQUIRED - held.keys(), held.keys() - REQUIRED - DEFAULTS.keys()
    if missing or unknown:
        raise Unfit(f"fields missing: {sorted(missing)}, unknown (they would be lost): {sorted(map(str, unknown))}")
    held = DEFAULTS | held
    correlation = held["correlation_id"]
    if correlation is not None and as_uuid(correlation) is None:
        raise Unfit(f"correlation_id is no UUID: {correlation!r}")
    event = Event(
        source_sequence=held["sequence"],
        event_id=held["event_id"],
        event_type=held["event_type"],
        timestamp=_microseconds(held["timestamp"]),
        created_at=None,
        # What by_agent looks for; the log has only the one name.
        agent_id=held["source_agent"],
        aggregate_id=held["aggregate_id"],
        aggregate_type=held["aggregate_type"],
        aggregate_version=None,
        schema_version=held["schema_version"],
        correlation_id=as_uuid(correlation),
        causation_id=held["causation_id"],
        source_agent=held["source_agent"],
        source_component=held["source_component"],
        checksum=None,
        event_data=to_json("data", held["data"]),
        metadata=to_json("metadata", held["metadata"]),
    )
    check(event)
    return event


def _microseconds(value: object) -> int:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise Unfit(f"timestamp is {value!r}, no ISO 8601")
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)
