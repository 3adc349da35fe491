#!/usr/bin/env python3
"""Brings Vault to what desired.json says (apply), or says where it differs from that (check).

Written is what differs and nothing else, and read again afterwards; but for what Vault tells nobody, which is written each time.
What somebody made beside it under the platform's own names is told, never taken away. That whom Vault asks does not answer stops
nothing: it is said, and `check` finds what is not there. A Vault that nobody has made keys for, or that has not let this program in,
is not configured and no failure of `apply`: a person comes first. For `check` it is one.
"""

import hashlib
import json
import os
import sys
import time

import vault_api

PAUSE_SECONDS = 2

# Codes of sys/health: a member that leads, one that hands on.
OPEN = (200, 429)
NO_KEYS = 501


def flat(state):
    """A database's connection is read one level deeper than it is written."""
    return {**state, **(state.get("connection_details") or {})}


def contents(files):
    values = {}
    for field, path in files.items():
        with open(path, encoding="utf-8") as file:
            values[field] = file.read().strip()
    return values


def filled(vault, entry, may_write):
    """What is to be written: with a digest of each secret, which Vault keeps and tells, and the secret, which it only keeps.

    Secrets are seen by whoever may write them.
    """
    secrets = contents(entry.get("secrets", {})) if may_write else {}
    # Of forty random characters and more: nobody finds these by trying.
    digests = {f"{field}_digest": hashlib.sha256(value.encode()).hexdigest() for field, value in secrets.items()}
    found = {field: (at(vault, there) or {}).get(there["field"]) for field, there in entry.get("found", {}).items()}
    return {**entry["body"], **digests, **found}, secrets


def at(vault, place):
    state = vault.read(place.get("read", place.get("path")))
    if state is not None and "at" in place:
        state = state.get(place["at"])
    return state


def difference(state, body):
    """Names of fields that are not as they should be; values may be long, and are in Git."""
    if state is None:
        return ["is not there"]
    have = flat(state)
    return [
        f"{field} differs"
        for field, want in body.items()
        if (difference(have.get(field) or {}, want) if isinstance(want, dict) else have.get(field) != want)
    ]


class Configurer:
    def __init__(self, vault, may_write):
        self.vault = vault
        self.may_write = may_write
        self.found = []
        self.written = 0
        self.unanswered = []
        self.failed = []

    def bring(self, entry):
        body, secrets = filled(self.vault, entry, self.may_write)
        wrong = difference(at(self.vault, entry), body)
        if wrong:
            self.found.append(f"{entry['path']}: {', '.join(wrong)}")
        unread = entry.get("unread", {})
        if not self.may_write or not (wrong or unread):
            return
        try:
            self.vault.write(entry["path"], {**body, **secrets, **contents(unread)})
        except vault_api.Refused as error:
            if "asks" not in entry or error.status == 403:
                raise
            self.unanswered.append(f"{error}; Vault asks {entry['asks']} before it takes this")
            return
        self.written += 1
        left = difference(at(self.vault, entry), body)
        if left:
            self.failed.append(f"{entry['path']}: written, and still {', '.join(left)}")

    def sign_with(self, issuing):
        """The certificate that Vault signs with is the one that is mounted; an older one stays, for what it has signed."""
        mount = issuing["mount"]
        with open(issuing["certificate"], encoding="utf-8") as file:
            certificate = file.read().strip()
        # To be asked for the default where there is none is an error of Vault's own.
        chosen = (self.vault.read(f"{mount}/config/issuers") or {}).get("default")
        held = self.vault.read(f"{mount}/issuer/default") if chosen else {}
        if held.get("certificate", "").strip() == first_of(certificate):
            return
        self.found.append(f"{mount}: does not sign with the certificate that it was given")
        if not self.may_write:
            return
        with open(issuing["key"], encoding="utf-8") as file:
            bundle = {"pem_bundle": f"{file.read().strip()}\n{certificate}\n"}
        answer = self.vault.write(f"{mount}/issuers/import/bundle", bundle)
        signers = [issuer for issuer, key in answer["mapping"].items() if key]
        if len(signers) != 1:
            self.failed.append(f"{mount}: {len(signers)} of the certificates have a key, not one")
            return
        self.vault.write(f"{mount}/config/issuers", {"default": signers[0]})
        self.written += 1

    def strangers(self, entry):
        """What is there beside what was declared."""
        known = set(entry["names"])
        names = self.vault.read(entry["path"]) if entry.get("isRead") else self.vault.list(entry["path"])
        return [
            f"{entry['path']}/{name}: nobody declared it"
            for name in (each.rstrip("/") for each in names or [])
            if name.startswith(entry["prefix"]) and name not in known
        ]


def first_of(bundle):
    end = "-----END CERTIFICATE-----"
    return bundle[: bundle.index(end) + len(end)] if end in bundle else bundle


def let_in(vault, role, token_file, patience):
    """Logs in; where that was not to be within the time, why."""
    end = time.monotonic() + patience
    while True:
        health = vault.health()
        try:
            if health in OPEN:
                vault.login(role, token_file)
                return None
            why = "nobody has made its keys yet" if health == NO_KEYS else None
        except vault_api.Refused as error:
            why = f"role {role} was not let in: {error}" if error.status in (400, 403, 404) else None
        if time.monotonic() > end:
            if why is None:
                sys.exit(f"Vault is not open: sys/health says {health or 'nothing'}")
            return why
        time.sleep(PAUSE_SECONDS)


def configure(vault, desired, may_write):
    configurer = Configurer(vault, may_write)
    for entry in desired["objects"]:
        configurer.bring(entry)
        if entry["path"] == f"sys/mounts/{desired.get('issuing', {}).get('mount')}":
            configurer.sign_with(desired["issuing"])
    extra = [line for entry in desired["lists"] for line in configurer.strangers(entry)]
    return configurer, extra


def main():
    mode = sys.argv[1]
    with open(os.environ["DESIRED"], encoding="utf-8") as file:
        desired = json.load(file)
    vault = vault_api.from_environment()
    patience = float(os.environ.get("PATIENCE_SECONDS", "120"))
    why = let_in(vault, os.environ["ROLE"], os.environ["TOKEN_FILE"], patience)
    if why is not None:
        print(f"not configured: {why} (docs/guides/vault.md)", flush=True)
        sys.exit(0 if mode == "apply" else 1)
    try:
        configurer, extra = configure(vault, desired, mode == "apply")
    except vault_api.Refused as error:
        sys.exit(f"refused: {error}")
    finally:
        vault.logout()
    said = "was" if mode == "apply" else "is"
    for line in configurer.found:
        print(f"{said} not as declared: {line}")
    for line in configurer.unanswered:
        print(f"not written: {line}")
    for line in [*extra, *configurer.failed]:
        print(f"to be looked at: {line}")
    counts = [len(desired["objects"]), len(configurer.found), configurer.written, len(extra)]
    print("{} declared, {} differed, {} written, {} unknown".format(*counts))
    is_bad = configurer.failed or (mode == "check" and (configurer.found or extra))
    sys.exit(1 if is_bad else 0)


main()
