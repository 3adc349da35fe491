#!/usr/bin/env python3
"""Keeps the declared experts registered with a bridge that forgets them.

A coordinator has a session of its own, registers itself and then its agents. Registered again is whatever may be gone: all of a
coordinator's once its session is void, for then the process that knew it is; and all before an expert goes stale, for the
bridge offers none that it did not hear of for five minutes, and HTTP has no sign of life but this.
"""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

BRIDGE = os.environ["BRIDGE"]
EXPERTS = Path(os.environ["EXPERTS"])
# Touched at each look at a coordinator; there while all are registered.
ALIVE = Path(os.environ.get("ALIVE", "/tmp/alive"))
READY = Path(os.environ.get("READY", "/tmp/ready"))
LOOK_SECONDS = float(os.environ["LOOK_SECONDS"])
AGAIN_SECONDS = float(os.environ["AGAIN_SECONDS"])
TIMEOUT_SECONDS = 5


class Refused(Exception):
    """What the bridge answered, where that is no 200; or why there was no answer."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


def say(level, message):
    """In the form of the server's own lines: level, time, logger, message."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    print(f"[{level}] {now},000 - register-experts - {message}", flush=True)


def post(path, body, token=None):
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(BRIDGE + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        # Its text may be long; a token is never in it.
        text = error.read(200).decode(errors="replace")
        raise Refused(f"{path}: {error.code} {text}", error.code) from error
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: {error}") from error


class Coordinator:
    def __init__(self, entry):
        self.name = entry["id"]
        self.experts = [entry, *entry.get("agents", [])]
        self.token = None
        self.registered_at = float("-inf")
        self.said = None

    def look(self):
        """Whether all of its experts are registered now."""
        try:
            if not self.has_session():
                self.begin_session()
            if time.monotonic() - self.registered_at >= AGAIN_SECONDS:
                self.register()
        except Refused as error:
            self.registered_at = float("-inf")
            if error.code in (401, 403):
                self.token = None
            self.tell("ERROR", f"{self.name}: not registered: {error}")
            return False
        self.tell("INFO", f"{self.name}: {len(self.experts)} registered")
        return True

    def has_session(self):
        if self.token is None:
            return False
        answer = post("/session/validate", {"session_token": self.token, "agent_id": self.name})
        return answer.get("valid") is True

    def begin_session(self):
        """Only where there is none: an agent has three at most, and a further one ends the oldest, whoever uses it."""
        if self.token is not None:
            say("WARNING", f"{self.name}: its session is void")
        self.token, self.registered_at = None, float("-inf")
        who = {"agent_id": self.name, "ip_address": "127.0.0.1", "user_agent": "register-experts"}
        self.token = post("/session/create", who).get("session_token")

    def register(self):
        for expert in self.experts:
            body = {
                "agent_id": expert["id"],
                "agent_type": expert["type"],
                "capabilities": expert["capabilities"],
            }
            if post("/expert/register", body, self.token).get("success") is not True:
                raise Refused(f"/expert/register: {expert['id']} was not taken")
        self.registered_at = time.monotonic()

    def tell(self, level, message):
        """Once, and again only after something else."""
        if message != self.said:
            say(level, message)
            self.said = message


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    coordinators = [Coordinator(entry) for entry in json.loads(EXPERTS.read_text())]
    while True:
        # Each is looked at, whatever became of the others.
        found = []
        for coordinator in coordinators:
            found.append(coordinator.look())
            ALIVE.touch()
        if all(found):
            READY.touch()
        else:
            READY.unlink(missing_ok=True)
        time.sleep(LOOK_SECONDS)


main()
