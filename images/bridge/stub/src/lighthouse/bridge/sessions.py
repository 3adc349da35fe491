"""Sessions and experts, in the memory of this process alone: another replica, or the same after a restart, knows none."""

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass, field

LIFETIME_SECONDS = 2 * 3600
# A session older than this that asked more often than this a minute is taken for a stolen one.
CALM_SECONDS, CALLS_A_MINUTE = 60, 100


@dataclass
class Session:
    agent: str
    began: float = field(default_factory=time.time)
    calls: int = 0

    @property
    def ends(self) -> float:
        return self.began + LIFETIME_SECONDS

    def is_good(self) -> bool:
        self.calls += 1
        age = time.time() - self.began
        return age < LIFETIME_SECONDS and (age <= CALM_SECONDS or self.calls / (age / 60) <= CALLS_A_MINUTE)


class Sessions:
    def __init__(self) -> None:
        self.key = (os.environ.get("LIGHTHOUSE_AUTH_SECRET") or secrets.token_urlsafe(32)).encode()
        self.by_token: dict[str, Session] = {}

    def create(self, agent: str) -> tuple[str, str, Session]:
        """Anyone gets a session for any agent: so does the bridge, and so its edge must know who asks."""
        session = Session(agent)
        name = secrets.token_hex(16)
        text = f"{name}:{agent}:{int(session.began)}"
        token = f"{text}:{hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()}"
        self.by_token[token] = session
        return name, token, session

    def is_valid(self, token: str, agent: str) -> bool:
        session = self.by_token.get(token)
        return session is not None and session.agent == agent and session.is_good()

    def agent_of(self, token: str) -> str | None:
        session = self.by_token.get(token)
        return session.agent if session and session.is_good() else None


class Experts:
    """Who registered, and who is busy: an expert stays busy once something was delegated to it."""

    def __init__(self) -> None:
        self.capabilities: dict[str, list[str]] = {}
        self.busy: set[str] = set()

    def occupy(self, expert: str) -> str | None:
        """The work's name, or nothing where the expert is unknown or busy."""
        if expert not in self.capabilities or expert in self.busy:
            return None
        self.busy.add(expert)
        return secrets.token_hex(8)
