"""Prints every alert that Alertmanager sends to a webhook, one JSON line each."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Far more than the largest group of alerts; a longer message is refused.
MOST_BYTES = 4 * 2**20

# Messages of several groups come at once; a line and its end are written one after the other.
PRINTING = threading.Lock()


def lines(path, message):
    """What is worth knowing of a message: who is told, of what, and whether it is over."""
    for alert in message["alerts"]:
        yield {
            "receiver": path.strip("/"),
            "status": alert["status"],
            "labels": alert["labels"],
            "summary": alert.get("annotations", {}).get("summary", ""),
            "runbook": alert.get("annotations", {}).get("runbook_url", ""),
            "startsAt": alert.get("startsAt", ""),
        }


class Receiver(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > MOST_BYTES:
            self.answer(413)
            return
        try:
            printed = [json.dumps(line) for line in lines(self.path, json.loads(self.rfile.read(length)))]
        except (ValueError, KeyError, TypeError, AttributeError):
            self.answer(400)
            return
        with PRINTING:
            for line in printed:
                print(line, flush=True)
        self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Only messages are printed, not that they were asked for."""


def main():
    ThreadingHTTPServer(("", int(sys.argv[1])), Receiver).serve_forever()


if __name__ == "__main__":
    main()
