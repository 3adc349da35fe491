"""A PostgreSQL of its own in a temporary folder, with the event store's schema."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

PAYLOAD = Path(__file__).parents[2] / "constructs/postgres-cluster/event-store"
HOLES = {"RETENTION_DAYS": "30", "PARTITIONS_AHEAD_DAYS": "7"}


def newest() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[-3]))
    if not versions:
        raise SystemExit("no PostgreSQL in /usr/lib/postgresql: apt-get install postgresql")
    return versions[-1].parent


class Postgres:
    def __init__(self, parent: str | None = None, settings: tuple[str, ...] = ()) -> None:
        self.bin = newest()
        self.folder = Path(tempfile.mkdtemp(prefix="migration-postgres-", dir=parent))
        # PostgreSQL refuses to run as root; it quits where this process dies.
        self.as_user = ["setpriv", "--pdeathsig", "QUIT"]
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.as_user += ["--reuid", "postgres", "--regid", "postgres", "--init-groups"]
        self.settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", "shared_buffers=256MB", "max_wal_size=4GB", *settings)
        self.data = self.folder / "data"
        initdb = [self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*self.as_user, *initdb], check=True, stdout=subprocess.DEVNULL)
        self.start()
        roles = "; ".join(f"CREATE ROLE lighthouse_{role} LOGIN" for role in ("owner", "writer", "reader", "migrator"))
        self.sql(f"{roles}; GRANT lighthouse_owner TO lighthouse_migrator", "postgres", "postgres")

    def start(self) -> None:
        flags = [flag for setting in self.settings for flag in ("-c", setting)]
        with open(self.folder / "log", "ab") as log:
            command = [*self.as_user, self.bin / "postgres", "-D", self.data, *flags]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        for _ in range(400):
            try:
                self.sql("SELECT 1", "postgres", "postgres")
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise SystemExit(f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """At once, as a crash does."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, name: str) -> str:
        """A new database with the schema."""
        if not self.sql("SELECT 1 FROM pg_database WHERE datname = 'pattern'", "postgres", "postgres"):
            self.sql("CREATE DATABASE pattern OWNER lighthouse_owner", "postgres", "postgres")
            self.apply("pattern")
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", "postgres", "postgres")
        self.sql(f"CREATE DATABASE {name} OWNER lighthouse_owner TEMPLATE pattern", "postgres", "postgres")
        return name

    def apply(self, name: str) -> None:
        """As the schema's Job does."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(PAYLOAD, folder, dirs_exist_ok=True)
            settings = Path(folder, "settings.sql")
            text = settings.read_text()
            for hole, value in HOLES.items():
                text = text.replace(f"@{hole}@", value)
            settings.write_text(text)
            psql = [self.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", "apply.sql"]
            subprocess.run(psql, cwd=folder, env=os.environ | self.env(name), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def env(self, database: str, user: str = "lighthouse_owner") -> dict[str, str]:
        return {"PGHOST": str(self.folder), "PGDATABASE": database, "PGUSER": user}

    def sql(self, statement: str, database: str, user: str = "lighthouse_owner") -> list[tuple]:
        with psycopg.connect(host=str(self.folder), dbname=database, user=user, autocommit=True) as connection:
            # The last result of several statements.
            cursor = connection.execute(statement)
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []
