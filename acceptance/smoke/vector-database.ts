import type { Manifest } from '../../constructs/platform/manifest';
import { imageWith, type Trial } from '../trial';
import { fromSecret, goalOf, secretFor, visit, type Attempt, type Visit, pythonWith } from './check';

/** Begins every script: functions to speak to the database, then the script itself, in Python. */
const CLIENT = `
import json, os, socket, ssl, sys, urllib.error, urllib.request, uuid
HOST = os.environ["HOST"]
URL = f"https://{HOST}:8443"
TLS = ssl.create_default_context(cafile="/trust/ca.crt")
def call(key, method, path, body=None, url=URL):
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, headers=headers, method=method)
    try:
        context = TLS if url.startswith("https") else None
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:300]}")
    except OSError as error:
        sys.exit(f"{method} {path}: {error}")
BRIDGE, READER = os.environ["BRIDGE"], os.environ["READER"]
def decision(text):
    now = "2026-01-01T00:00:00Z"
    return {"class": "Decision", "id": str(uuid.uuid4()), "properties": {"project": "acceptance", "title": text, "decision": text, "rationale": text, "decidedAt": now}}
`;

/**
 * Objects are written and found by their meaning, over every endpoint that applications have; what was written is deleted
 * again.
 */
export async function tryVectorDatabase(trial: Trial): Promise<void> {
  for (const namespace of homesOf('weaviate', trial.manifests))
    await visit(trial, vectorClient(trial, namespace));
  for (const namespace of homesOf('transformers-inference', trial.manifests))
    await visit(trial, embeddings(trial, namespace));
}

/** Namespaces in which a program runs. */
export function homesOf(name: string, manifests: readonly Manifest[]): string[] {
  return manifests
    .filter(
      ({ kind, metadata }) =>
        ['StatefulSet', 'Deployment'].includes(kind) && metadata.labels?.['app.kubernetes.io/name'] === name,
    )
    .map(({ metadata }) => metadata.namespace ?? '');
}

/** How applications use the database. */
export function vectorClient({ manifests }: Trial, namespace: string): Visit {
  return {
    subject: 'Weaviate',
    standing: {
      name: 'client-of-weaviate',
      namespace,
      image: imageWith('python3', manifests),
      memory: '64Mi',
      trust: true,
      env: [
        { name: 'HOST', value: `weaviate.${namespace}.svc.cluster.local` },
        fromSecret('BRIDGE', secretFor(manifests, namespace, '-users-bridge'), 'password'),
        fromSecret('READER', secretFor(manifests, namespace, '-users-reader'), 'password'),
      ],
    },
    goals: [
      goalOf(manifests, namespace, 'weaviate', 'https'),
      goalOf(manifests, namespace, 'weaviate', 'grpc'),
    ],
    prelude: '',
    attempts: DATABASE,
  };
}

/** A script in Python, with the functions of `CLIENT` before it. */
export function python(script: string): string {
  return pythonWith(CLIENT, script);
}

const DATABASE: readonly Attempt[] = [
  {
    name: 'REST, a search by meaning',
    script: python(`
near, far = decision("pods are spread over zones"), decision("invoices are sent on Mondays")
for one in (near, far):
    call(BRIDGE, "POST", "/v1/objects", one)
try:
    query = '{ Get { Decision(nearText: {concepts: ["spread pods over zones"]}, limit: 1, where: {path: ["project"], operator: Equal, valueText: "acceptance"}) { _additional { id distance } } } }'
    answer = call(READER, "POST", "/v1/graphql", {"query": query})
    if answer.get("errors"):
        sys.exit(json.dumps(answer["errors"]))
    first = answer["data"]["Get"]["Decision"][0]["_additional"]
    stored = call(READER, "GET", f"/v1/objects/Decision/{near['id']}?include=vector")
    size = len(stored.get("vector") or next(iter(stored["vectors"].values())))
    if first["id"] != near["id"]:
        sys.exit(f"found {first}, not {near['id']}")
    print(f"wrote two objects, found the near one at distance {first['distance']:.3f} in {size} dimensions")
finally:
    for one in (near, far):
        call(BRIDGE, "DELETE", f"/v1/objects/Decision/{one['id']}")
`),
  },
  {
    name: 'gRPC',
    script: python(`
context = ssl.create_default_context(cafile="/trust/ca.crt")
context.set_alpn_protocols(["h2"])
with socket.create_connection((HOST, 50051), timeout=10) as plain, context.wrap_socket(plain, server_hostname=HOST) as s:
    # HTTP/2: the client's preface with empty settings; a server answers with its own settings, frame type 4.
    s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    head = s.recv(9)
    if s.selected_alpn_protocol() != "h2" or len(head) < 9 or head[3] != 4:
        sys.exit(f"no HTTP/2 over TLS: {s.selected_alpn_protocol()} {head!r}")
    print(f"HTTP/2 over {s.version()}")
`),
  },
  { name: 'no key', script: python('call(None, "GET", "/v1/schema")'), refusal: /: 401 / },
  { name: 'a wrong key', script: python('call("wrong", "GET", "/v1/schema")'), refusal: /: 401 / },
  {
    name: 'a write by the reader',
    script: python('call(READER, "POST", "/v1/objects", decision("not allowed"))'),
    refusal: /: 403 /,
  },
  {
    name: 'a collection made by the bridge',
    script: python('call(BRIDGE, "POST", "/v1/schema", {"class": "Acceptance"})'),
    refusal: /: 403 /,
  },
  {
    name: 'without TLS',
    script: python('call(BRIDGE, "GET", "/v1/schema", url=f"http://{HOST}:8443")'),
    refusal: /400|closed|reset|BadStatusLine|HTTPS/i,
  },
];

function embeddings({ manifests }: Trial, namespace: string): Visit {
  const goal = goalOf(manifests, namespace, 'embeddings', 'http');
  return {
    subject: 'embeddings',
    standing: {
      name: 'client-of-embeddings',
      namespace,
      image: imageWith('python3', manifests),
      env: [{ name: 'URL', value: `http://embeddings.${namespace}.svc.cluster.local:${goal.port}` }],
    },
    goals: [goal],
    prelude: '',
    attempts: [
      {
        name: 'texts to vectors',
        script: `python3 - <<'END_OF_SCRIPT'
import json, math, os, sys, urllib.request
def vector(text):
    request = urllib.request.Request(os.environ["URL"] + "/vectors", data=json.dumps({"text": text}).encode(), headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["vector"]
def likeness(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)
one, same, other = vector("pods over zones"), vector("pods over zones"), vector("invoices on Mondays")
if not likeness(one, same) > 0.999 > likeness(one, other):
    sys.exit(f"equal texts are {likeness(one, same)} alike, others {likeness(one, other)}")
print(f"{len(one)} dimensions; equal texts {likeness(one, same):.3f} alike, others {likeness(one, other):.3f}")
END_OF_SCRIPT`,
      },
    ],
  };
}
