"""Makes a backup of all collections in the bucket the members know, and waits until it is whole."""

import json
import os
import time

from rest import call, fail, must

MAX_SECONDS = int(os.environ["MAX_SECONDS"])


def main():
    name = time.strftime("backup-%Y%m%d-%H%M%S", time.gmtime())
    must("POST", "/v1/backups/s3", {"id": name})
    deadline = time.monotonic() + MAX_SECONDS
    while time.monotonic() < deadline:
        # A member that has just gone may have been the one that answers: ask again.
        status, answer = call("GET", f"/v1/backups/s3/{name}")
        state = answer.get("status") if status == 200 else None
        if state == "SUCCESS":
            print(f"{name}: made")
            return
        if state in ("FAILED", "CANCELED"):
            fail(f"{name}: {json.dumps(answer)}")
        time.sleep(5)
    fail(f"{name}: not made within {MAX_SECONDS} s")


main()
