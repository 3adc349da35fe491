"""Moves Lighthouse's event store from SQLite or its log files to PostgreSQL, and back."""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg

from .bridge import require_stopped
from .copying import copy
from .errors import Failure, Misuse, of_postgres
from .log_source import LogSource
from .planning import plan
from .source import Source
from .sqlite_source import SqliteSource
from .switching import cut_over, require_writable, roll_back
from .target import Target
from .validation import Findings, Validation

SHOWN = 20
Report = dict[str, Any]
REJECTED = 3
EXIT_CODES = """exit codes: 0 done, 1 failed (nothing is half done: run it again), 2 misuse,
3 done, but records were put aside that nobody has accepted.
The database is named by PGHOST, PGPORT, PGDATABASE, PGUSER, PGSSLMODE, PGSSLROOTCERT; its password comes from --password-file or
PGPASSWORD. A report in JSON goes to standard output, everything else to standard error."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="event-store-migration", description=__doc__, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "plan": "reads the whole store and tells what a copy would meet; writes nothing",
        "copy": "copies what is not copied yet; may be stopped and repeated at any time, beside a running bridge",
        "validate": "compares every event on both sides",
        "cutover": "with the bridge stopped: copies the rest, validates it, seals the old store, marks PostgreSQL as the live one",
        "rollback": "with the bridge stopped: takes what was written to PostgreSQL since the cutover back to the old store",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        store = command.add_mutually_exclusive_group(required=True)
        store.add_argument("--sqlite", metavar="FILE", help="the SQLite store")
        store.add_argument("--logs", metavar="FOLDER", help="the folder of events_NNNNNN.log")
        command.add_argument(
            "--event-secret-file", action="append", default=[], metavar="FILE",
            help="HMAC key of the log files (default: LIGHTHOUSE_EVENT_SECRET); again for keys of before a change",
        )
        command.add_argument("--quarantine-unverified", action="store_true", help="put aside log files that no key fits")
        command.add_argument("--without-checksums", action="store_true", help="copy SQLite's checksums unverified")
        command.add_argument("--password-file", metavar="FILE", help="the database's password")
        if name in ("plan", "copy", "cutover"):
            command.add_argument("--skip-expired", action="store_true", help="leave events behind that are older than the retention")
        if name == "copy":
            command.add_argument("--dry-run", action="store_true", help="send everything to PostgreSQL, keep nothing there")
        if name in ("validate", "cutover"):
            command.add_argument("--all", action="store_true", help="compare the JSON of every event by value, not of every 1,000th")
        if name in ("copy", "validate", "cutover"):
            command.add_argument("--accept-rejected", type=int, default=0, metavar="N", help="go on with exactly N records put aside")
        if name in ("cutover", "rollback"):
            command.add_argument("--bridge-url", metavar="URL", help="must refuse connections")
            command.add_argument("--bridge-stopped", action="store_true", help="you have seen that the bridge is stopped")
            command.add_argument("--quiet-seconds", type=float, default=5, metavar="N", help="the old store must not grow for so long (5)")
    return parser


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def source_of(args: argparse.Namespace) -> Source:
    if args.sqlite:
        return SqliteSource(args.sqlite, checksums=not args.without_checksums)
    keys = [Path(file).read_bytes().rstrip(b"\r\n") for file in args.event_secret_file]
    if not keys and (secret := os.environ.get("LIGHTHOUSE_EVENT_SECRET")):
        keys = [secret.encode()]
    if b"" in keys:
        raise Misuse("an event secret is empty", do="look at the files named by --event-secret-file")
    return LogSource(args.logs, keys, unverified=args.quarantine_unverified)


def run(args: argparse.Namespace) -> tuple[int, Report]:
    source = source_of(args)
    target = Target(source.kind, source.path, args.password_file)
    writes = args.command != "plan" and not getattr(args, "dry_run", False)
    target.prepare(writes)
    source.check()
    report: Report = {"command": args.command, "source": source.path}
    code = COMMANDS[args.command](args, source, target, report)
    for remark in source.remarks:
        say(f"note: {remark}")
    return code, report | {"notes": source.remarks}


def run_plan(args: argparse.Namespace, source: Source, target: Target, report: Report) -> int:
    found = plan(source, target, say)
    report |= found
    return REJECTED if found["rejected"] else 0


def run_copy(args: argparse.Namespace, source: Source, target: Target, report: Report) -> int:
    counts = copy(source, target, say, dry=args.dry_run, skip_expired=args.skip_expired, final=False)
    report["dry_run" if args.dry_run else "this_run"] = asdict(counts)
    if args.dry_run:
        return REJECTED if counts.rejected else 0
    report["in_all"] = asdict(target.totals())
    return accepted(args, target, report)


def accepted(args: argparse.Namespace, target: Target, report: Report) -> int:
    count = target.totals().rejected
    first = [f"{name}, {at}: {reason}" for name, at, reason in target.rejected(SHOWN)]
    report["rejected_first"] = first
    if count == args.accept_rejected:
        return 0
    say(
        f"error: {count} records were put aside, {args.accept_rejected} are accepted\n"
        f"  where: table migration.rejected; the first: {'; '.join(first[:3])}\n"
        f"  do: look at them; if the rest is to go on without them: --accept-rejected {count}"
    )
    return REJECTED


def validated(args: argparse.Namespace, source: Source, target: Target, report: Report, since: int) -> Findings:
    findings = Validation(source, target, args.all, since).run(say)
    report["validation"] = asdict(findings)
    if findings.wrong:
        raise Failure(
            f"{findings.wrong} differences between the old store and PostgreSQL",
            where="; ".join(findings.examples[:3]),
            do="do not cut over; find out who has changed one of the two",
        )
    target.set(validated_batch=findings.last_batch)
    return findings


def run_validate(args: argparse.Namespace, source: Source, target: Target, report: Report) -> int:
    validated(args, source, target, report, since=0)
    report["in_all"] = asdict(target.totals())
    report["of_others_in_postgresql"] = target.foreign()
    if not_copied := report["validation"]["not_copied"]:
        say(f"note: {not_copied} records of the old store are not copied yet")
    return accepted(args, target, report)


def run_cutover(args: argparse.Namespace, source: Source, target: Target, report: Report) -> int:
    if target.live() == "postgresql":
        report["live"] = "postgresql"
        say("the cutover was done before")
        return 0
    report["bridge"] = require_stopped(source, args.bridge_url, args.bridge_stopped, args.quiet_seconds)
    source.unseal()
    require_writable(source)
    counts = copy(source, target, say, dry=False, skip_expired=args.skip_expired, final=True)
    report["this_run"], report["in_all"] = asdict(counts), asdict(target.totals())
    if code := accepted(args, target, report):
        return code
    # What `validate` has compared before is not compared again: only this is time in which the bridge stands still.
    findings = validated(args, source, target, report, since=int(str(target.get("validated_batch"))))
    if findings.not_copied:
        raise Failure("the store has grown since the last delta", where=source.path, do="stop the bridge, run the same command again")
    cut_over(source, target, findings.source_hash)
    report["live"] = "postgresql"
    return 0


def run_rollback(args: argparse.Namespace, source: Source, target: Target, report: Report) -> int:
    report["bridge"] = require_stopped(source, args.bridge_url, args.bridge_stopped, args.quiet_seconds)
    count, left = roll_back(source, target, say)
    report |= {"went_back": count, "live": "source", "left_behind": len(left), "left_behind_first": left[:SHOWN]}
    for each in left[:SHOWN]:
        say(f"left behind in PostgreSQL: {each}")
    return REJECTED if left else 0


COMMANDS = {
    "plan": run_plan,
    "copy": run_copy,
    "validate": run_validate,
    "cutover": run_cutover,
    "rollback": run_rollback,
}


def peak_memory_mib() -> int:
    """Of this program alone: getrusage tells the peak of the process that it was forked from, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def main() -> int:
    begun = time.monotonic()
    try:
        code, report = run(arguments().parse_args())
    except Failure as failure:
        say(str(failure))
        return failure.code
    except psycopg.Error as error:
        say(str(of_postgres(error)))
        return 1
    except OSError as error:
        say(str(Failure("a file cannot be read or written", where=str(error.filename), why=str(error.strerror), do="mend it, run again")))
        return 1
    report["seconds"] = round(time.monotonic() - begun, 1)
    report["peak_memory_mib"] = peak_memory_mib()
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return code


if __name__ == "__main__":
    sys.exit(main())
