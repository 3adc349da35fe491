"""Brings Weaviate's collections and roles to what the files beside this one say, and changes nothing else.

What is missing is made, what the server can change is changed, and what it cannot change, or silently leaves as it is,
ends this with an error. No data is ever deleted. May run as often as one likes.
"""

import glob
import hashlib
import json
import os
import time
from urllib.parse import quote

from rest import call, fail, must, read

MEMBERS = int(os.environ["MEMBERS"])
VERSION = int(os.environ["SCHEMA_VERSION"])
FILES = os.environ.get("SCHEMA_FILES", "/scripts")
WAIT_SECONDS = int(os.environ.get("WAIT_SECONDS", "600"))

VERSION_OBJECT = "/v1/objects/SchemaVersion/00000000-0000-4000-8000-000000000001"


def wait_for_members():
    """A collection of several replicas can only be made while all members are known and healthy."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        status, answer = call("GET", "/v1/nodes")
        if status in (401, 403):
            fail(f"the key is not accepted: {status} {json.dumps(answer)}")
        nodes = answer.get("nodes", []) if status == 200 else []
        healthy = [node["name"] for node in nodes if node["status"] == "HEALTHY"]
        if len(healthy) >= MEMBERS:
            print(f"members: {', '.join(sorted(healthy))}")
            return
        if time.monotonic() > deadline:
            fail(f"{len(healthy)} of {MEMBERS} members healthy after {WAIT_SECONDS} s: {status} {answer}")
        time.sleep(5)


def by_name(items):
    return {item["name"]: item for item in items}


def differences(wanted, found, path=""):
    """Where what is found does not say what is wanted; what is not wanted in particular may be anything."""
    if path == ".properties":
        wanted, found = by_name(wanted), by_name(found or [])
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [line for key in wanted for line in differences(wanted[key], found.get(key), f"{path}.{key}")]
    return [] if wanted == found else [f"{path}: is {json.dumps(found)}, wanted {json.dumps(wanted)}"]


def merged(wanted, found, path=""):
    """What is found, with what is wanted put over it."""
    if path == ".properties":
        over = by_name(wanted)
        return [merged(over.get(item["name"], {}), item) for item in found]
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {**found, **{key: merged(wanted[key], found.get(key), f"{path}.{key}") for key in wanted}}
    return wanted


def apply_collection(wanted):
    name = wanted["class"]
    path = f"/v1/schema/{name}"
    status, found = call("GET", path)
    if status == 404:
        must("POST", "/v1/schema", wanted)
        print(f"{name}: made")
    elif status != 200:
        fail(f"{name}: cannot be read: {status} {json.dumps(found)}")
    else:
        there = by_name(found.get("properties") or [])
        for item in wanted["properties"]:
            if item["name"] not in there:
                must("POST", f"{path}/properties", item)
                print(f"{name}.{item['name']}: added")
        found = must("GET", path)
        changes = differences(wanted, found)
        # The server refuses this too, but then shows the refused vectorizer as its own until it starts again.
        if any(".vectorizer." in change for change in changes):
            fail(f"{name}: the vectorizer cannot be changed:\n  " + "\n  ".join(changes))
        if changes:
            status, answer = call("PUT", path, merged(wanted, found))
            if not 200 <= status < 300:
                fail(f"{name}: {status} {json.dumps(answer)}\n  " + "\n  ".join(changes))
            print(f"{name}: changed\n  " + "\n  ".join(changes))
    left = differences(wanted, must("GET", path))
    if left:
        fail(f"{name} cannot be changed to this; it needs a collection of another name:\n  " + "\n  ".join(left))
    print(f"{name}: as wanted")


def ordered(value):
    return json.loads(json.dumps(value, sort_keys=True))


def apply_role(wanted, group=None):
    """Makes a role say exactly what is wanted and gives it to the user of the same name, or to people of one group."""
    name = wanted["name"]
    path = f"/v1/authz/roles/{name}"
    status, found = call("GET", path)
    if status == 404:
        must("POST", "/v1/authz/roles", wanted)
        print(f"role {name}: made")
    elif status != 200:
        fail(f"role {name}: cannot be read: {status} {json.dumps(found)}")
    else:
        missing = [item for item in wanted["permissions"] if item not in found["permissions"]]
        surplus = [item for item in found["permissions"] if item not in wanted["permissions"]]
        for verb, permissions in (("add", missing), ("remove", surplus)):
            if permissions:
                must("POST", f"{path}/{verb}-permissions", {"permissions": permissions})
                print(f"role {name}: {verb} {json.dumps(permissions)}")
    # The server writes some permissions otherwise than they were given: those would be added and removed for ever.
    found = must("GET", path)["permissions"]
    if sorted(map(json.dumps, map(ordered, found))) != sorted(map(json.dumps, map(ordered, wanted["permissions"]))):
        fail(f"role {name} is not what was wanted: {json.dumps(found)}")
    if group is None:
        held = [role["name"] for role in must("GET", f"/v1/authz/users/{name}/roles/db")]
        if name not in held:
            must("POST", f"/v1/authz/users/{name}/assign", {"roles": [name], "userType": "db"})
            print(f"role {name}: assigned")
    else:
        give_to_group(name, group)
    print(f"role {name}: as wanted")


def give_to_group(role, group):
    """The one thing that is taken away: another group than the one that is named had the role before it."""
    holders = [holder["groupId"] for holder in must("GET", f"/v1/authz/roles/{role}/group-assignments")]
    for verb, groups in (("assign", {group} - set(holders)), ("revoke", set(holders) - {group})):
        for each in groups:
            path = f"/v1/authz/groups/{quote(each, safe='')}/{verb}"
            must("POST", path, {"roles": [role], "groupType": "oidc"})
            print(f"role {role}: {verb} {each}")


def recorded_version():
    status, answer = call("GET", VERSION_OBJECT)
    if status == 200:
        return answer["properties"]
    # 404: no object; 422: not even its collection
    if status in (404, 422):
        return None
    return fail(f"the schema's version cannot be read: {status} {json.dumps(answer)}")


def record_version(content, before):
    wanted = {"version": VERSION, "content": content}
    if before == wanted:
        return
    body = {"class": "SchemaVersion", "id": VERSION_OBJECT.rsplit("/", 1)[1], "properties": wanted}
    if before is None:
        must("POST", "/v1/objects", body)
    else:
        must("PUT", VERSION_OBJECT, body)


def files(pattern):
    return [read(path) for path in sorted(glob.glob(f"{FILES}/{pattern}"))]


def main():
    replication = json.loads(read(f"{FILES}/replication.json"))
    collections = files("collection-*.json")
    content = hashlib.sha256(json.dumps([collections, replication]).encode()).hexdigest()
    wait_for_members()
    before = recorded_version()
    if before and before["version"] > VERSION:
        fail(f"the schema is at version {before['version']}, newer than {VERSION}: this would take it back")
    if before and before["version"] == VERSION and before["content"] != content:
        fail(f"the schema of version {VERSION} is not what was applied as {VERSION}: give it the next version")
    for text in collections:
        apply_collection({**json.loads(text), "replicationConfig": replication})
    for text in files("role-*.json"):
        role = json.loads(text)
        apply_role(role, role.pop("group", None))
    record_version(content, before)
    print(f"schema version {VERSION}")


main()
