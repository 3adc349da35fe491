"""What a run ends with, said so that somebody can act on it."""

import psycopg


class Failure(Exception):
    """Ends a run with exit code 1: what happened, where, why, and what to do."""

    code = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", do: str = "") -> None:
        super().__init__(what)
        self.lines = [f"error: {what}"] + [
            f"  {name}: {text}" for name, text in (("where", where), ("why", why), ("do", do)) if text
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines)


class Misuse(Failure):
    """A command line or an environment that makes no sense, or a bridge that runs: exit code 2, another try is for a person."""

    code = 2


class Unfit(Exception):
    """A record that PostgreSQL cannot hold, or that is not what was written; it is put aside, never dropped."""


# What to do about errors of PostgreSQL, by SQLSTATE or its class.
REMEDIES = {
    "53100": "free or add disk to PostgreSQL, then run the same command again",
    "53300": "lower the number of clients or raise max_connections, then run the same command again",
    "57P01": "PostgreSQL was shut down or failed over: run the same command again",
    "57P03": "PostgreSQL is starting: run the same command again",
    "25006": "this is a standby: name the primary (the read-write endpoint) in PGHOST",
    "55P03": "something holds a lock on the events for long: see pg_locks, then run the same command again",
    "28P01": "give the password of PGUSER with --password-file or PGPASSWORD",
    "3D000": "name the event store's database in PGDATABASE",
    "42501": "connect as the owner of the event store's database",
    "08": "see whether PostgreSQL is reachable, then run the same command again",
}


def of_postgres(error: psycopg.Error) -> Failure:
    # psycopg gives none where the connection could not be made or broke.
    state = error.sqlstate or ("08006" if isinstance(error, psycopg.OperationalError) else "none")
    remedy = REMEDIES.get(state) or REMEDIES.get(state[:2]) or "mend the cause, then run the same command again"
    return Failure(
        "PostgreSQL refused or was lost; the batch under way is not in it",
        where=f"SQLSTATE {state}",
        why=" ".join(str(error).split()),
        do=f"{remedy} (it goes on where the last batch ended)",
    )
