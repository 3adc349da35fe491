"""What is damaged is put aside with its place and its reason; what is around it is copied."""

import gzip
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from .made_up import KEY, events, make_logs, make_sqlite, record, sqlite_row
from .support import MigrationTest

NUL_EVENT = '{"text": "a\\u0000b"}'


class BadRowsOfSqlite(MigrationTest):
    def setUp(self) -> None:
        super().setUp()
        make_sqlite(self.store, 300, 0)

    def change(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.store)) as database, database:
            database.execute(statement, values)

    def test_each_is_put_aside_with_its_reason(self) -> None:
        set_ = "UPDATE events SET checksum = NULL, {} WHERE sequence_id = {}"
        bad = {
            10: ("event_data = '{\"changed\": 1}', checksum = 'aaaaaaaaaaaaaaaa'", "checksum is aaaaaaaaaaaaaaaa"),
            20: ("event_data = 'no json'", "no JSON"),
            30: (f"event_data = '{NUL_EVENT}'", "U\\+0000"),
            40: ("event_data = '[1]'", "no JSON object"),
            50: ("event_data = '{\"n\": NaN}'", "NaN is no JSON"),
            60: ("event_data = CAST(x'7b2261223a22ff227d' AS TEXT)", "no UTF-8"),
            70: ("event_id = ''", "event_id has 0 characters"),
            80: ("aggregate_version = -1", "aggregate_version is -1"),
            90: ("timestamp = 9223372036854775807", "timestamp is"),
            100: ("event_data = '{\"n\": 1e999999}'", "out of range"),
            110: ("event_data = '{\"half\": \"\\ud800\"}'", "surrogate"),
            120: ("timestamp = 'yesterday'", "timestamp is 'yesterday'"),
        }
        for number, (change, _) in bad.items():
            self.change(set_.format(change.replace("checksum = NULL, ", ""), number) if number != 10 else f"UPDATE events SET {change} WHERE sequence_id = 10")
        # A key of an index holds 2,704 bytes: only PostgreSQL knows that this is too long.
        self.change("UPDATE events SET checksum = NULL, aggregate_id = ? WHERE sequence_id = 130", "".join(chr(0x10000 + n * 7 % 0xFFFF) for n in range(1024)))
        bad[130] = ("", "PostgreSQL refuses it: index row size")

        plan = self.run_tool("plan")
        self.assertEqual((plan.code, plan.report["rejected"]), (3, len(bad) - 1))
        outcome = self.fail_with(3, f"{len(bad)} records were put aside, 0 are accepted", "copy")
        self.assertEqual(outcome.report["this_run"]["copied"], 300 - len(bad))
        aside = dict(self.sql("SELECT at, reason FROM migration.rejected"))
        self.assertEqual(sorted(aside), sorted(bad))
        for number, (_, reason) in bad.items():
            self.assertRegex(aside[number], reason)
        self.assertEqual(self.sql("SELECT count(*) FROM migration.rejected WHERE raw = ''"), [(0,)])

        self.fail_with(3, "put aside", "validate")
        self.fail_with(3, "put aside", "cutover", "--bridge-stopped")
        self.fail_with(3, "put aside", "cutover", "--bridge-stopped", "--accept-rejected", "3")
        self.assertEqual(self.sql("SELECT live FROM migration.sources"), [("source",)])
        found = self.succeed("validate", "--accept-rejected", str(len(bad)))["validation"]
        self.assertEqual((found["compared"], found["rejected"], found["wrong"]), (300 - len(bad), len(bad), 0))
        self.succeed("cutover", "--bridge-stopped", "--accept-rejected", str(len(bad)))

    def test_an_unexpected_schema_version(self) -> None:
        self.change("UPDATE store_metadata SET value = '2'")
        self.fail_with(1, "schema version 2, known is 1", "copy")
        self.assertEqual(self.count(), 0)

    def test_an_unknown_column(self) -> None:
        self.change("ALTER TABLE events ADD COLUMN tenant TEXT")
        self.fail_with(1, r"unknown: \['tenant'\]", "copy")

    def test_checksums_of_another_rule(self) -> None:
        self.change("UPDATE events SET checksum = 'aaaaaaaaaaaaaaaa'")
        self.fail_with(1, "none of the first 100 checksums is right", "copy")
        self.assertEqual(self.succeed("copy", "--without-checksums")["this_run"]["copied"], 300)

    def test_a_damaged_file(self) -> None:
        with closing(sqlite3.connect(self.store)) as database, database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            page = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").fetchone()[0]
            size = database.execute("PRAGMA page_size").fetchone()[0]
        with open(self.store, "r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
        self.fail_with(1, "malformed[\\s\\S]*recover", "copy")

    def test_a_change_in_either_store_after_the_copy(self) -> None:
        self.succeed("copy")
        self.change("UPDATE events SET agent_id = 'somebody else' WHERE sequence_id = 200")
        self.fail_with(1, "events.db, 200: event 200000000_0_lighthouse-01 differs in agent_id", "validate")
        self.change("DELETE FROM events WHERE sequence_id = 150")
        self.fail_with(1, "2 differences|[0-9]+ differences", "validate")

    def test_gaps_in_the_sequence_are_told(self) -> None:
        self.change("DELETE FROM events WHERE sequence_id IN (50, 51, 90)")
        self.succeed("copy")
        found = self.succeed("validate")["validation"]
        self.assertEqual((found["sequence_gaps"], found["sequence_missing"]), (2, 3))

    def test_jumps_of_the_clock(self) -> None:
        # To 2001, which is beyond the retention, and to the year 2999.
        rows = [sqlite_row(event) for event in events(3, 0, 1000)]
        times = (978_307_200_000_001, 32_472_144_000_123_457, 1)
        with closing(sqlite3.connect(self.store)) as database, database:
            for row, time in zip(rows, times, strict=True):
                database.execute("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?)", (*row[:3], time, *row[4:]))
        self.assertEqual(self.succeed("plan")["older_than_retention"], 2)
        self.fail_with(1, "older than PostgreSQL keeps events", "copy")
        counts = self.succeed("copy", "--skip-expired")["in_all"]
        self.assertEqual((counts["copied"], counts["expired"]), (301, 2))
        exact = self.sql("SELECT (extract(epoch FROM \"timestamp\") * 1000000)::bigint FROM events WHERE source_sequence = 1001")
        self.assertEqual(exact, [(times[1],)])
        self.assertEqual(self.succeed("validate", "--all")["validation"]["expired"], 2)

    def test_another_store(self) -> None:
        self.succeed("copy")
        os.unlink(self.store)
        make_sqlite(self.store, 400, 0)
        self.fail_with(1, "not the store that the migration began with", "copy")


class BadRecordsOfLogs(MigrationTest):
    kind = "logs"

    def setUp(self) -> None:
        super().setUp()
        self.store.mkdir()
        self.records = [record(event) for event in events(200, 0)]

    def write(self, records: list[bytes], name: str = "events_000001.log") -> Path:
        file = self.store / name
        file.write_bytes(gzip.compress(b"".join(records)) if name.endswith(".gz") else b"".join(records))
        return file

    def test_each_is_put_aside_with_its_reason(self) -> None:
        odd = next(events(1, 0, 900))
        records = self.records
        flipped = bytearray(records[10])
        flipped[60] ^= 1
        wrong_length = b"\x00\x7f" + records[50][2:]
        no_event = record(odd | {"event_id": "1_0_x", "tenant": "who"})
        binary = record(odd | {"event_id": "2_0_x", "data": {"blob": b"\xff"}})
        version = record(odd | {"event_id": "3_0_x", "schema_version": 7})
        infinite = record(odd | {"event_id": "4_0_x", "data": {"n": float("inf")}})
        torn = records[199][:-5]
        pieces = [*records[:10], bytes(flipped), *records[11:50], wrong_length, *records[51:100], b"\x00garbage" * 40,
                  *records[100:199], no_event, binary, version, infinite, torn]
        self.write(pieces)
        reasons = ["HMAC does not fit", "no whole record in", "no whole record in", "'tenant'", "data is no JSON", "schema_version is 7", "data is no JSON"]
        report = self.fail_with(3, "7 records were put aside", "copy").report
        self.assertEqual(report["this_run"]["copied"], 197)
        self.assertRegex(" ".join(report["notes"]), f"{len(torn)} bytes from offset .* no whole record yet")
        for found, reason in zip(report["rejected_first"], reasons, strict=True):
            self.assertIn(reason, found)
        self.fail_with(3, "8 records were put aside, 7 are accepted", "cutover", "--bridge-stopped", "--accept-rejected", "7")
        self.succeed("cutover", "--bridge-stopped", "--accept-rejected", "8")
        self.assertEqual(self.succeed("validate", "--all", "--accept-rejected", "8")["validation"]["compared"], 197)

    def test_repeated_ids(self) -> None:
        one = next(events(1, 0, 900))
        self.write([*self.records, self.records[5], record(one), record(one | {"sequence": 901}), record(one | {"data": {"other": 1}}),
                    record(one | {"timestamp": one["timestamp"] + 1, "data": {"other": 2}})])
        report = self.fail_with(3, "another event has its id and timestamp", "copy").report
        self.assertEqual({name: report["in_all"][name] for name in ("copied", "present", "rejected")}, {"copied": 202, "present": 2, "rejected": 1})
        found = self.succeed("validate", "--all", "--accept-rejected", "1")["validation"]
        self.assertEqual((found["compared"], found["present"]), (202, 2))

    def test_a_wrong_key(self) -> None:
        self.write(self.records)
        self.fail_with(1, "the key fits none of the first 100 records", "copy", LIGHTHOUSE_EVENT_SECRET="wrong")
        self.assertEqual(self.count(), 0)
        self.fail_with(2, "HMAC key of the log files is missing", "copy", LIGHTHOUSE_EVENT_SECRET="")

    def test_keys_of_before_a_change(self) -> None:
        self.write([record(event, b"before") for event in events(50, 0)])
        self.write([record(event) for event in events(50, 0, 51)], "events_000002.log")
        self.fail_with(1, "events_000001.log", "copy")
        for name in ("now", "before"):
            (self.folder / name).write_text(f"{name}\n" if name == "before" else KEY.decode())
        both = ("--event-secret-file", str(self.folder / "now"), "--event-secret-file", str(self.folder / "before"))
        self.assertEqual(self.succeed("copy", *both)["this_run"]["copied"], 100)

    def test_a_lost_key(self) -> None:
        self.write([record(event, b"lost") for event in events(50, 0)])
        self.write([record(event) for event in events(50, 0, 51)], "events_000002.log")
        report = self.fail_with(3, "50 records were put aside", "copy", "--quarantine-unverified").report
        self.assertEqual(report["this_run"]["copied"], 50)

    def test_a_damaged_rotated_file(self) -> None:
        file = self.write(self.records, "events_000001.log.gz")
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        report = self.fail_with(3, "cannot be unpacked", "copy").report
        self.assertGreater(report["this_run"]["copied"], 50)
        rejected = str(report["this_run"]["rejected"])
        self.succeed("copy", "--accept-rejected", rejected)
        self.succeed("validate", "--accept-rejected", rejected)

    def test_half_a_rotation_is_read_once(self) -> None:
        self.write(self.records)
        self.write(self.records[:150], "events_000001.log.gz")
        self.assertEqual(self.succeed("copy")["in_all"], {"copied": 200, "present": 0, "expired": 0, "rejected": 0})

    def test_fields_that_the_bridge_leaves_out(self) -> None:
        few = {"event_id": "1_0_x", "sequence": 1, "event_type": "custom", "aggregate_id": "a"}
        self.write([record(few | {"timestamp": next(events(1, 0))["timestamp"]})])
        self.assertEqual(self.succeed("copy")["this_run"]["copied"], 1)
        self.assertEqual(self.succeed("validate", "--all")["validation"]["compared"], 1)

