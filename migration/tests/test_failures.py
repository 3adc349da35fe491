"""Whatever ends a run, the next one goes on, and nothing is lost or doubled."""

import contextlib
import http.server
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import psycopg

from event_store_migration.target import LOCK

from .made_up import make_logs, make_sqlite
from .postgres import Postgres
from .support import ROOT, MigrationTest

COUNT = 4000


class Failures(MigrationTest):
    def make(self) -> None:
        make_sqlite(self.store, COUNT)

    def start(self, *args: str) -> subprocess.Popen:
        return subprocess.Popen(self.command(*args), cwd=ROOT, env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def when_copied(self, more_than: int, process: subprocess.Popen) -> None:
        while process.poll() is None:
            if self.count() > more_than:
                return
            time.sleep(0.02)

    def test_killed_at_random_points(self) -> None:
        self.make()
        chance, killed = random.Random(7), 0
        for share in sorted(chance.uniform(0, 0.8) for _ in range(4)):
            process = self.start("copy")
            self.when_copied(int(share * COUNT), process)
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            process.communicate()
            # A connection that is gone is noticed by PostgreSQL a moment later.
            while self.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'event-store-migration'") != [(0,)]:
                time.sleep(0.05)
        self.assertGreaterEqual(killed, 2)
        self.assertEqual(self.succeed("copy")["in_all"]["copied"], COUNT)
        self.assertEqual(self.succeed("validate", "--all")["validation"]["compared"], COUNT)

    def test_killed_while_it_goes_back(self) -> None:
        self.make()
        self.succeed("copy")
        self.succeed("cutover", "--bridge-stopped")
        self.append(3000)
        for later in (0, 0.02, 0.04):
            before = self.changed()
            process = self.start("rollback", "--bridge-stopped")
            # Machines differ in how long a rollback takes and when it begins to write.
            while process.poll() is None and self.changed() == before:
                time.sleep(0.001)
            time.sleep(later)
            process.send_signal(signal.SIGKILL)
            self.assertEqual(process.wait(), -signal.SIGKILL)
            process.communicate()
        self.assertEqual(self.succeed("rollback", "--bridge-stopped")["left_behind"], 0)
        self.assertEqual(self.succeed("plan")["events"], COUNT + 3000)

    def changed(self) -> int:
        """When the old store was last written to."""
        moments = []
        for path in (self.folder, *self.folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                moments.append(path.stat().st_mtime_ns)
        return max(moments)

    def test_a_connection_that_is_cut(self) -> None:
        self.make()
        process = self.start("copy")
        self.when_copied(1000, process)
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'event-store-migration'", "postgres")
        _, error = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(error, "(?s)the batch under way is not in it.*run the same command again")
        self.assertEqual(self.succeed("copy")["in_all"]["copied"], COUNT)
        self.assertEqual(self.succeed("validate")["validation"]["compared"], COUNT)

    def test_two_at_once(self) -> None:
        self.make()
        both = [self.start("copy") for _ in range(2)]
        ends = [process.communicate()[1] for process in both]
        # The second waits a moment, for the first may be one that was killed, and finds nothing to do or gives up.
        self.assertIn(0, [process.returncode for process in both], ends)
        self.assertEqual(self.succeed("copy")["in_all"], {"copied": COUNT, "present": 0, "expired": 0, "rejected": 0})
        with psycopg.connect(**self.connection("event-store-migration")) as holder:
            holder.execute(f"SELECT pg_advisory_lock({LOCK})")
            self.fail_with(1, "another run is at work\n  where: process [0-9]+", "copy")


class FailuresOfSqlite(Failures):
    def test_a_full_disk(self) -> None:
        self.make()
        disk = Path(tempfile.mkdtemp(prefix="migration-disk-"))
        self.addCleanup(shutil.rmtree, disk, True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "none", str(disk)], check=False, stderr=subprocess.DEVNULL)
        if mounted.returncode != 0:
            self.skipTest("no file system of its own can be mounted here")
        self.addCleanup(subprocess.run, ["umount", str(disk)], check=False)
        disk.chmod(0o755)
        own = Postgres(str(disk), ("max_wal_size=32MB", "min_wal_size=32MB", "wal_recycle=off", "max_connections=10"))
        self.addCleanup(own.stop)
        self.postgres, self.database = own, own.database("migrating")
        filler = disk / "filler"
        free = shutil.disk_usage(disk).free
        filler.write_bytes(b"x" * max(0, free - (6 << 20)))
        self.fail_with(1, "(?s)error: PostgreSQL refused or was lost.*(free or add disk|PostgreSQL)", "copy")
        filler.unlink()
        if own.process.poll() is not None:
            own.start()
        self.postgres.sql("SELECT 1", self.database)
        self.assertEqual(self.succeed("copy")["in_all"]["copied"], COUNT)
        self.assertEqual(self.succeed("validate")["validation"]["compared"], COUNT)

    def test_without_the_schema_or_the_rights(self) -> None:
        self.make()
        self.fail_with(1, "may not do what a migration needs[\\s\\S]*created_at[\\s\\S]*lighthouse_owner", "copy", PGUSER="lighthouse_writer", PGOPTIONS="")
        self.fail_with(1, "schema version none, known is 2", "copy", PGDATABASE="postgres", PGUSER="postgres")
        self.fail_with(1, "SQLSTATE", "copy", PGHOST="/nowhere")
        self.fail_with(2, "PGHOST is not set", "copy", PGHOST="")

    def test_a_bridge_that_is_not_stopped(self) -> None:
        self.make()
        self.succeed("copy")
        self.fail_with(2, "nothing shows that the bridge is stopped", "cutover")
        bridge = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        self.addCleanup(bridge.server_close)
        threading.Thread(target=bridge.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{bridge.server_port}"
        self.fail_with(2, "the bridge is running", "cutover", "--bridge-url", url)
        self.fail_with(2, "cannot be told[\\s\\S]*name is not known", "cutover", "--bridge-url", "http://no-bridge.invalid:8765")
        self.fail_with(2, "the bridge is running", "cutover", "--bridge-url", url, "--bridge-stopped")
        bridge.shutdown()
        bridge.server_close()
        with sqlite3.connect(self.store) as database:
            database.execute("SELECT count(*) FROM events").fetchone()
            self.fail_with(2, "the store is in use[\\s\\S]*process [0-9]+", "cutover", "--bridge-url", url)
        database.close()
        self.assertEqual(self.sql("SELECT live FROM migration.sources"), [("source",)])
        self.succeed("cutover", "--bridge-url", url)
        seen = self.succeed("rollback", "--bridge-url", "http://no-bridge.invalid:8765", "--bridge-stopped")["bridge"]
        self.assertEqual(seen[0], "a person confirmed it")
        self.assertRegex(seen[1], "does not answer")


class FailuresOfLogs(Failures):
    kind = "logs"

    def make(self) -> None:
        make_logs(self.store, COUNT, per_file=2000)


del Failures
