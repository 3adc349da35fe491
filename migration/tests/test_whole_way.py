"""There and back: plan, copy beside a running bridge, validate, cut over, roll back, cut over again."""

import gzip
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

from event_store_migration.log_source import LogSource

from .made_up import KEY, UNICODE, add_sqlite, events, make_logs, make_sqlite, record
from .support import ROOT, MigrationTest

COUNT = 3000
MORE = 500
LIVE = 700


class WholeWay(MigrationTest):
    # Of the sequence, between what is in the store and what is added to it.
    jumps = 0

    def make(self) -> None:
        make_sqlite(self.store, COUNT)

    def add(self, first: int) -> None:
        add_sqlite(self.store, events(MORE, 0, first))

    def held(self) -> int:
        with closing(sqlite3.connect(self.store)) as database:
            return database.execute("SELECT count(*) FROM events").fetchone()[0]

    def refuses_appends(self) -> None:
        with self.assertRaisesRegex(sqlite3.IntegrityError, "moved to PostgreSQL"):
            self.add(90_000)

    def test_there_and_back(self) -> None:
        self.make()
        plan = self.succeed("plan")
        self.assertEqual((plan["events"], plan["rejected"], plan["older_than_retention"]), (COUNT, 0, 0))
        self.assertGreater(plan["largest_event_characters"], 1_000_000)
        dry = self.succeed("copy", "--dry-run")
        self.assertEqual(dry["dry_run"]["copied"], COUNT)
        self.assertEqual(self.sql("SELECT count(*) FROM events, pg_namespace WHERE nspname = 'migration'"), [(0,)])

        self.assertEqual(self.succeed("copy")["this_run"]["copied"], COUNT)
        self.add(COUNT + 1)
        self.assertEqual(self.succeed("copy")["this_run"]["copied"], MORE, "only what came since")
        self.assertEqual(self.succeed("copy")["this_run"]["copied"], 0)
        found = self.succeed("validate", "--all")["validation"]
        self.assertEqual((found["compared"], found["samples"], found["wrong"]), (COUNT + MORE,) * 2 + (0,))
        self.assertEqual(found["source_hash"], found["target_hash"])
        self.assertEqual(found["aggregates"], COUNT)
        text = self.sql("SELECT event_data->>'text' FROM events WHERE event_data ? 'text' LIMIT 1")
        self.assertEqual(text, [(UNICODE,)])
        order = self.sql("SELECT count(*) FROM (SELECT source_sequence - lag(source_sequence) OVER (ORDER BY sequence_id) AS step FROM events) AS s WHERE step > 1 OR step = 0")
        self.assertEqual(order, [(self.jumps,)], "sequence_id follows the order of the old store")

        self.add(COUNT + MORE + 1)
        cutover = self.succeed("cutover", "--bridge-stopped")
        self.assertEqual((cutover["this_run"]["copied"], cutover["validation"]["compared"]), (MORE, MORE), "only the delta")
        self.assertEqual(self.sql("SELECT live FROM migration.sources"), [("postgresql",)])
        self.refuses_appends()
        self.succeed("cutover", "--bridge-stopped")
        self.fail_with(1, "already uses PostgreSQL", "copy")

        before = self.held()
        self.append(LIVE)
        back = self.succeed("rollback", "--bridge-stopped")
        self.assertEqual((back["went_back"], back["left_behind"]), (LIVE, 0))
        self.assertEqual(self.held(), before + LIVE)
        self.assertEqual(self.count(), COUNT + 2 * MORE + LIVE, "nothing is taken from PostgreSQL")
        self.fail_with(1, "no cutover to roll back", "rollback", "--bridge-stopped")

        self.add(COUNT + 2 * MORE + LIVE + 1)
        again = self.succeed("cutover", "--bridge-stopped")
        self.assertEqual((again["this_run"]["copied"], again["this_run"]["present"]), (MORE, LIVE))
        self.succeed("validate", "--all")
        self.append(10, "later")
        self.assertEqual(self.succeed("rollback", "--bridge-stopped")["went_back"], 10)
        self.assertEqual(self.held(), before + LIVE + MORE + 10)
        owners = self.sql("SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'migration'::regnamespace")
        self.assertEqual(owners, [("lighthouse_owner",)], "nothing belongs to the login, which can be dropped")


class WholeWayOfSqlite(WholeWay):
    def test_what_went_back_is_searchable_and_has_right_checksums(self) -> None:
        make_sqlite(self.store, 100, 0)
        self.succeed("copy")
        self.succeed("cutover", "--bridge-stopped")
        self.append(5)
        self.sql(
            "INSERT INTO events (event_id, event_type, \"timestamp\", event_data) VALUES"
            " ('1000000_0_lighthouse-01', 'custom', now(), '{\"another\": true}')", "lighthouse_writer",
        )
        outcome = self.fail_with(3, "ids are unique there", "rollback", "--bridge-stopped")
        self.assertEqual(outcome.report["left_behind"], 1)
        with closing(sqlite3.connect(self.store)) as database:
            found = database.execute(
                "SELECT count(*) FROM events JOIN events_fts ON events_fts.rowid = sequence_id WHERE events_fts MATCH 'ünï'"
            )
            self.assertEqual(found.fetchone(), (5,))
        plan = self.succeed("plan")
        self.assertEqual((plan["events"], plan["rejected"]), (105, 0), "the tool verifies every checksum when it reads")


class WholeWayOfLogs(WholeWay):
    kind = "logs"
    jumps = 1

    def make(self) -> None:
        make_logs(self.store, COUNT, per_file=1250)

    def add(self, first: int) -> None:
        with open(self.store / "events_000002.log", "ab") as file:
            for event in events(MORE, 0, first):
                file.write(record(event))

    def held(self) -> int:
        source = LogSource(str(self.store), [KEY])
        return sum(item.event is not None for segment in source.segments() for item in source.read(segment, 0, True))

    def refuses_appends(self) -> None:
        self.assertEqual(self.store.stat().st_mode & 0o222, 0)

    def test_a_rotation_during_the_copy(self) -> None:
        make_logs(self.store, 2000, 0, per_file=2000)
        plain = self.store / "events_000001.log"
        with open(plain, "wb") as file:
            for event in events(300, 0, 5000):
                file.write(record(event))
        self.succeed("copy")
        # The bridge packs the file, overwriting the one that was packed before, and begins anew.
        with open(plain, "ab") as file:
            file.write(record(next(events(1, 0, 6000))))
        with open(plain, "rb") as file, gzip.open(self.store / "events_000001.log.gz", "wb") as packed:
            shutil.copyfileobj(file, packed)
        plain.write_bytes(record(next(events(1, 0, 7000))))
        report = self.succeed("copy")
        self.assertEqual(report["this_run"]["copied"], 2)
        self.assertRegex(" ".join(report["notes"]), "events_000001.log.gz is gone since it was copied")

    def test_rotated_files_that_were_kept_under_names_of_their_own(self) -> None:
        self.store.mkdir()

        def rotate(name: str, first: int) -> None:
            packed = gzip.compress(b"".join(record(event) for event in events(100, 0, first)))
            (self.store / f"events_000001{name}.log.gz").write_bytes(packed)

        rotate("", 101)
        keeper = ROOT.parent / "constructs/bridge-with-fuse/keep-events.sh"
        folders = {"EVENTS": str(self.store), "ASIDE": str(self.folder / "aside")}
        subprocess.run(["sh", keeper, "check"], env=os.environ | folders, check=True, stdout=subprocess.DEVNULL)
        self.assertFalse((self.store / "events_000001.log.gz").exists(), "it was renamed")
        rotate("-20261101T080000Z", 1)
        rotate("", 201)
        (self.store / "events_000001.log").write_bytes(b"".join(record(event) for event in events(100, 0, 301)))
        self.assertEqual(self.succeed("plan")["events"], 400)
        self.succeed("copy")
        self.succeed("validate", "--all")
        order = "SELECT array_agg(event_id ORDER BY sequence_id) FROM events"
        self.assertEqual(self.sql(order), [([f"{1_000_000 * n}_0_lighthouse-01" for n in range(1, 401)],)])

    def test_a_file_without_a_place_in_the_order(self) -> None:
        # The bridge reads it.
        make_logs(self.store, 10, 0)
        (self.store / "events_000001.log.gz").rename(self.store / "events_000001.log.1")
        self.fail_with(1, "events_000001.log.1\n.*\n.*left behind", "plan")


del WholeWay
