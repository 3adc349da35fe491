"""Weaviate's REST API, for the scripts beside this one."""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request

URL = os.environ["WEAVIATE_URL"]


def fail(message):
    sys.exit(f"refused: {message}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# The key goes by way of a file and a header: arguments and environments can be read by others.
HEADERS = {
    "Authorization": "Bearer " + read(os.environ["KEY_FILE"]).strip(),
    "Content-Type": "application/json",
}
TLS = ssl.create_default_context(cafile=os.environ["TRUST"])


def call(method, path, body=None):
    """The status and the decoded body of an answer; 0 where nobody answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=HEADERS, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60, context=TLS) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError as error:
        return 0, str(error)
    try:
        return status, json.loads(text or b"null")
    except ValueError:
        return status, text.decode(errors="replace")


def must(method, path, body=None):
    status, answer = call(method, path, body)
    if not 200 <= status < 300:
        fail(f"{method} {path}: {status} {json.dumps(answer)}")
    return answer
