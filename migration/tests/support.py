"""What the tests share: one PostgreSQL, a store and a database for each test, the tool as a process."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

from .made_up import KEY
from .postgres import Postgres

ROOT = Path(__file__).parents[1]
server: Postgres | None = None


def postgres() -> Postgres:
    global server
    if server is None:
        server = Postgres()
        atexit.register(server.stop)
    return server


@dataclass
class Outcome:
    code: int
    report: dict
    error: str


class MigrationTest(unittest.TestCase):
    kind = "sqlite"

    def setUp(self) -> None:
        self.maxDiff = None
        folder = tempfile.TemporaryDirectory(prefix="migration-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.store = self.folder / ("events.db" if self.kind == "sqlite" else "events")
        self.postgres = postgres()
        self.database = self.postgres.database("migrating")

    def command(self, command: str, *args: str) -> list[str]:
        quiet = ["--quiet-seconds", "0.2"] if command in ("cutover", "rollback") else []
        return [sys.executable, "-m", "event_store_migration", command, f"--{self.kind}", str(self.store), *quiet, *args]

    def env(self, **more: str) -> dict[str, str]:
        # As the Job: by a login of its own that acts as the owner.
        login = self.postgres.env(self.database, "lighthouse_migrator") | {"PGOPTIONS": "-c role=lighthouse_owner"}
        return os.environ | login | {"LIGHTHOUSE_EVENT_SECRET": KEY.decode()} | more

    def run_tool(self, command: str, *args: str, **env: str) -> Outcome:
        done = subprocess.run(
            self.command(command, *args), cwd=ROOT, env=self.env(**env), capture_output=True, text=True, timeout=300, check=False
        )
        return Outcome(done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr)

    def succeed(self, command: str, *args: str) -> dict:
        outcome = self.run_tool(command, *args)
        self.assertEqual(outcome.code, 0, outcome.error)
        return outcome.report

    def fail_with(self, code: int, message: str, command: str, *args: str, **env: str) -> Outcome:
        outcome = self.run_tool(command, *args, **env)
        self.assertEqual(outcome.code, code, f"{outcome.report} {outcome.error}")
        self.assertRegex(outcome.error, message)
        self.assertNotIn(KEY.decode(), outcome.error + json.dumps(outcome.report), "a secret was printed")
        return outcome

    def connection(self, name: str) -> dict[str, str]:
        return {"host": str(self.postgres.folder), "dbname": self.database, "user": "lighthouse_owner", "application_name": name}

    def sql(self, statement: str, user: str = "lighthouse_owner") -> list[tuple]:
        return self.postgres.sql(statement, self.database, user)

    def count(self) -> int:
        return self.sql("SELECT count(*) FROM events")[0][0]

    def append(self, count: int, prefix: str = "live") -> None:
        """As a bridge that uses PostgreSQL does."""
        self.sql(
            "INSERT INTO events (event_id, event_type, \"timestamp\", agent_id, aggregate_id, aggregate_version, event_data, metadata)"
            f" SELECT '9' || lpad(n::text, 9, '0') || '_0_{prefix}', 'custom', now() + n * interval '1 microsecond', 'agent-1',"
            " 'aggregate-1', n, jsonb_build_object('n', n, 'text', 'ünï 🚀', 'ratio', n / 7.0), '{\"session_id\": \"s-1\"}'"
            f" FROM generate_series(1, {count}) AS n",
            "lighthouse_writer",
        )
