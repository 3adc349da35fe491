"""Vault's API, for the script beside this one."""

import json
import os
import ssl
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 30


class Refused(Exception):
    """What Vault answered, where that is no success; status 0 where nobody answered."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


class Vault:
    def __init__(self, address, trust):
        self.address = address
        self.tls = ssl.create_default_context(cafile=trust)
        self.token = None

    def call(self, method, path, body=None):
        """The decoded body of an answer; nothing where it has none."""
        headers = {"content-type": "application/json"}
        if self.token is not None:
            headers["x-vault-token"] = self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=self.tls) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}: {error.code} {said(error.read())}", error.code) from error
        except (OSError, ValueError) as error:
            raise Refused(f"{method} {path}: {error}", 0) from error

    def read(self, path):
        """What is at a path; None where nothing is. A mount that is not there is a bad request to Vault."""
        try:
            return self.call("GET", path).get("data") or {}
        except Refused as error:
            if error.status in (400, 404):
                return None
            raise

    def list(self, path):
        try:
            return self.call("LIST", path)["data"]["keys"]
        except Refused as error:
            if error.status == 404:
                return []
            raise

    def write(self, path, body):
        return self.call("POST", path, body).get("data") or {}

    def health(self):
        """The status of sys/health: 200 and 429 open, 501 without keys, 503 sealed, 0 where nobody answers."""
        try:
            self.call("GET", "sys/health")
        except Refused as error:
            return error.status
        return 200

    def login(self, role, token_file):
        with open(token_file, encoding="utf-8") as file:
            token = file.read().strip()
        answer = self.call("POST", "auth/kubernetes/login", {"role": role, "jwt": token})
        self.token = answer["auth"]["client_token"]

    def logout(self):
        self.call("POST", "auth/token/revoke-self", {})
        self.token = None


def said(text):
    """The errors of an answer; what was sent is never among them."""
    try:
        return "; ".join(json.loads(text)["errors"]).strip() or "no reason given"
    except (ValueError, KeyError, TypeError):
        return text[:200].decode(errors="replace")


def from_environment():
    return Vault(os.environ["VAULT"], os.environ["TRUST"])
