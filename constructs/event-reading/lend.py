#!/usr/bin/env python3
"""Fetches logins from Vault for whoever works in the container beside this one.

A file that somebody keeps locked asks for one (read.sh). It is renewed as long as that is so, and given back at once when it is not:
by logging out of Vault, which ends what was lent to that login.
"""

import fcntl
import os
import pathlib
import signal
import sys
import time

import vault_api

DESK = pathlib.Path(os.environ.get("DESK", "/desk"))
PAUSE_SECONDS = 0.2
RENEW_SECONDS = 300


def is_over(ask):
    """Whether nobody has the file locked any more, however they went."""
    try:
        with open(ask, encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        pass
    return True


def put(path, text):
    """All of it at once, for whoever waits for it."""
    fresh = path.with_suffix(".writing")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o600)
    fresh.rename(path)


class Loan:
    def __init__(self, ask):
        self.ask = ask
        self.vault = vault_api.from_environment()
        self.lease = None
        self.renewed = time.monotonic()

    def fetch(self):
        try:
            self.vault.login(os.environ["ROLE"], os.environ["TOKEN_FILE"])
            answer = self.vault.call("GET", os.environ["LENDS"])
        except vault_api.Refused as error:
            put(self.ask.with_suffix(".refused"), f"Vault lends nothing: {error}\n")
            print(f"refused: {error}", flush=True)
            return
        self.lease = answer["lease_id"]
        user = answer["data"]["username"]
        put(self.ask.with_suffix(".login"), f"{user}\n{answer['data']['password']}\n")
        print(f"lent: {user}", flush=True)

    def renew(self):
        if self.lease is None or time.monotonic() - self.renewed < RENEW_SECONDS:
            return
        self.renewed = time.monotonic()
        try:
            self.vault.call("POST", "sys/leases/renew", {"lease_id": self.lease})
        except vault_api.Refused as error:
            print(f"not renewed: {error}", flush=True)

    def give_back(self):
        for suffix in (".ask", ".login", ".refused"):
            self.ask.with_suffix(suffix).unlink(missing_ok=True)
        if self.vault.token is None:
            return
        try:
            self.vault.logout()
            print("given back", flush=True)
        except vault_api.Refused as error:
            print(f"not given back, it ends by itself: {error}", flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    loans = {}
    try:
        while True:
            for ask in DESK.glob("*.ask"):
                if ask not in loans:
                    loans[ask] = Loan(ask)
                    loans[ask].fetch()
            for ask in [ask for ask in loans if is_over(ask)]:
                loans.pop(ask).give_back()
            for loan in loans.values():
                loan.renew()
            # By its age others know that this is at work.
            (DESK / "lender").touch()
            time.sleep(PAUSE_SECONDS)
    finally:
        for loan in loans.values():
            loan.give_back()


main()
