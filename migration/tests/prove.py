"""
The whole way with a large store, with figures: `python -m tests.prove sqlite|logs [EVENTS [FOLDER]]`, a million by default.
The copy is killed (SIGKILL) at random points. FOLDER holds a store of an earlier run, or the new one.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .made_up import KEY, make_logs, make_sqlite
from .postgres import Postgres

ROOT = Path(__file__).parents[1]
KILLS = 6
LIVE = 10_000


def main() -> int:
    kind = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="migration-prove-"))
    store = folder / ("events.db" if kind == "sqlite" else "events")
    if not store.exists():
        {"sqlite": make_sqlite, "logs": make_logs}[kind](store, count)
    postgres = Postgres(str(folder))
    try:
        database = postgres.database("proof")
        env = os.environ | postgres.env(database) | {"LIGHTHOUSE_EVENT_SECRET": KEY.decode()}

        def command(name: str, *args: str) -> list[str]:
            return [sys.executable, "-m", "event_store_migration", name, f"--{kind}", str(store), *args]

        def tool(name: str, *args: str) -> dict:
            done = subprocess.run(command(name, *args), cwd=ROOT, env=env, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"{name}: {done.returncode}\n{done.stderr}")
            report = json.loads(done.stdout)
            print(f"{name:9} {' '.join(args):17} {report['seconds']:8.1f} s {report['peak_memory_mib']:5} MiB", flush=True)
            return report

        events = tool("plan")["events"]
        chance, begun, points = random.Random(), time.monotonic(), []
        for share in sorted(chance.uniform(0, 1) for _ in range(KILLS)):
            process = subprocess.Popen(command("copy"), cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and copied(postgres, database) < share * events:
                time.sleep(0.2)
            time.sleep(chance.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
            process.wait()
            points.append(copied(postgres, database))
            while postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'event-store-migration'", database) != [(0,)]:
                time.sleep(0.1)
        last = tool("copy")
        seconds = time.monotonic() - begun
        print(f"killed after {points} events; all in {seconds:.0f} s, {last['in_all']['copied'] / seconds:,.0f} events/s")
        found = tool("validate")["validation"]
        print(json.dumps(found))
        tool("validate", "--all")
        tool("cutover", "--bridge-stopped")
        postgres.sql(
            "INSERT INTO events (event_id, event_type, \"timestamp\", agent_id, aggregate_id, aggregate_version, event_data)"
            " SELECT '9' || lpad(n::text, 9, '0') || '_0_live', 'custom', now() + n * interval '1 microsecond', 'agent-1',"
            f" 'aggregate-1', n, jsonb_build_object('n', n) FROM generate_series(1, {LIVE}) AS n",
            database, "lighthouse_writer",
        )
        print(f"went back: {tool('rollback', '--bridge-stopped')['went_back']} of {LIVE}")
        size = postgres.sql("SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'events'::regclass", database)
        print(f"PostgreSQL: {int(size[0][0]) / (events + LIVE):.0f} bytes an event")
    finally:
        postgres.stop()
    return 0


def copied(postgres: Postgres, database: str) -> int:
    """From the checkpoints, for counting a million events takes time."""
    if postgres.sql("SELECT to_regclass('migration.batches') IS NULL", database) == [(True,)]:
        return 0
    return int(postgres.sql("SELECT coalesce(sum(copied), 0) FROM migration.batches", database)[0][0])


if __name__ == "__main__":
    sys.exit(main())
