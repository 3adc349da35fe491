"""Whether the bridge is stopped. Nothing here believes what it cannot see."""

import socket
import time
import urllib.error
import urllib.request

from .errors import Misuse
from .source import Source


def require_stopped(source: Source, url: str | None, confirmed: bool, quiet_seconds: float) -> list[str]:
    """Gives what was seen; fails where the bridge runs, or where nothing shows that it does not."""
    if not url and not confirmed:
        raise Misuse(
            "nothing shows that the bridge is stopped",
            do="name its address with --bridge-url http://HOST:8765, or confirm it with --bridge-stopped",
        )
    seen = ["a person confirmed it"] if confirmed else []
    if url:
        seen.append(_silent(url, confirmed))
    if holder := source.is_open():
        raise Misuse("the store is in use", where=source.path, why=f"{holder} has it open", do="stop the bridge")
    before = source.size()
    time.sleep(quiet_seconds)
    if source.size() != before:
        raise Misuse("the store still grows", where=source.path, do="stop the bridge")
    return [*seen, f"nobody has the store open, it did not grow for {quiet_seconds:g} s"]


def _silent(url: str, confirmed: bool) -> str:
    """An answer is believed more than a person; where nothing can be told, the person is."""
    stop = "stop the bridge (scale it to 0) and run the same command again"
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=5) as answer:
            raise Misuse("the bridge is running", where=url, why=f"it answers with {answer.status}", do=stop)
    except urllib.error.HTTPError as error:
        raise Misuse("the bridge is running", where=url, why=f"it answers with {error.code}", do=stop) from error
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ConnectionRefusedError):
            return f"{url} refuses connections"
        name = isinstance(reason, socket.gaierror)
        if confirmed:
            return f"{url} does not answer: {reason}"
        raise Misuse(
            "it cannot be told whether the bridge is stopped",
            where=url,
            why="the name is not known" if name else f"no refusal but: {reason}",
            do="correct --bridge-url or allow the connection; or look yourself and say --bridge-stopped (a headless Service of"
            " Kubernetes has no name while it has no pod)",
        ) from error
