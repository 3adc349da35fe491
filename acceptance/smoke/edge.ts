import type { Manifest } from '../../constructs/platform/manifest';
import { imageWith, type Trial } from '../trial';
import { goalOf, pythonWith, visit, type Attempt } from './check';
import { certificateFor, withCertificate } from './certificate';

/** Begins every script: functions to speak to the edge as an agent does, with its certificate. */
const CLIENT = `
import base64, http.client, json, os, ssl, sys
HOST, ID = os.environ["HOST"], os.environ["ID"]
def trusting(with_certificate=True):
    context = ssl.create_default_context(cafile="/trust/ca.crt")
    if with_certificate:
        context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
    return context
edge = http.client.HTTPSConnection(HOST, 443, timeout=10, context=trusting())
def ask(method, path, body=None, token=None):
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    edge.request(method, path, None if body is None else json.dumps(body), {"content-type": "application/json", **headers})
    answer = edge.getresponse()
    return answer.status, answer.headers, answer.read().decode(errors="replace")
def must(wanted, path, answer):
    status, headers, text = answer
    if status != wanted:
        sys.exit(f"{path}: {status} {text[:200]}")
    return json.loads(text)
def session():
    who = {"agent_id": f"acceptance-{ID}", "ip_address": "127.0.0.1", "user_agent": "acceptance"}
    return must(200, "/session/create", ask("POST", "/session/create", who))["session_token"]
`;

const python = (script: string): string => `export ID; ${pythonWith(CLIENT, script)}`;

const ATTEMPTS: readonly Attempt[] = [
  {
    name: 'a session is made, is valid, and validates',
    script: python(`
agent, token = f"acceptance-{ID}", session()
if not must(200, "/session/validate", ask("POST", "/session/validate", {"session_token": token, "agent_id": agent}))["valid"]:
    sys.exit("the session that was just made is not valid")
question = {"tool_name": "Read", "tool_input": {"path": "README.md"}, "agent_id": agent}
status, headers, text = ask("POST", "/validate", question, token)
if not must(200, "/validate", (status, headers, text)).get("reasoning"):
    sys.exit(f"no reasoning in {text[:200]}")
if len(headers.get("x-trace-id", "")) != 32:
    sys.exit("no trace in the answer")
print("validated, trace in the answer")
`),
  },
  {
    name: 'a WebSocket',
    script: python(`
import socket
with socket.create_connection((HOST, 443), timeout=10) as plain, trusting().wrap_socket(plain, server_hostname=HOST) as s:
    key = base64.b64encode(os.urandom(16)).decode()
    s.sendall(f"GET /ws/acceptance-{ID} HTTP/1.1\\r\\nhost: {HOST}\\r\\nconnection: Upgrade\\r\\nupgrade: websocket\\r\\nsec-websocket-version: 13\\r\\nsec-websocket-key: {key}\\r\\n\\r\\n".encode())
    stream = s.makefile("rb")
    first = stream.readline().decode().strip()
    while stream.readline().strip():
        pass
    if " 101 " not in first:
        sys.exit(f"no WebSocket: {first}")
    text, mask = b'{"type": "ping"}', os.urandom(4)
    s.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(text)))
    kind, length = stream.read(2)
    answer = stream.read(length & 0x7F)
    if kind != 0x81 or b"pong" not in answer:
        sys.exit(f"no pong: {kind:#x} {answer[:100]!r}")
    print("a ping came back as a pong")
`),
  },
  {
    name: 'a token that nobody gave',
    script: python('must(200, "/event/query", ask("GET", "/event/query?limit=1", token="wrong"))'),
    refusal: /\/event\/query: 401 /,
  },
  {
    name: 'what stays inside',
    script: python('must(200, "/openapi.json", ask("GET", "/openapi.json"))'),
    refusal: /\/openapi\.json: 404 /,
  },
  {
    name: 'an agent that asks too much is told when to come again',
    script: python(`
answers = [ask("GET", "/event/query?limit=1", token=f"loop-{ID}") for _ in range(120)]
refused = [headers for status, headers, text in answers if status == 429]
if not refused or refused[-1].get("retry-after") is None:
    sys.exit(f"{len(refused)} of {len(answers)} requests were refused")
print(f"{len(answers) - len(refused)} requests, then {len(refused)} refused, Retry-After {refused[-1]['retry-after']}")
`),
  },
];

const WITHOUT_CERTIFICATE: Attempt = {
  name: 'no client certificate',
  script: python(`
edge = http.client.HTTPSConnection(HOST, 443, timeout=10, context=trusting(False))
print(ask("GET", "/health"))`),
  refusal: /certificate required|alert|reset by peer|EOF|closed connection/i,
};

/** Agents are let in with a certificate, do what agents do, and are stopped where they do too much of it. */
export async function tryEdge(trial: Trial): Promise<void> {
  const edges = trial.manifests.filter(
    ({ kind, metadata }) =>
      kind === 'Deployment' && metadata.labels?.['app.kubernetes.io/component'] === 'edge',
  );
  for (const { metadata } of edges) await visitEdge(trial, metadata.name, metadata.namespace ?? '');
}

async function visitEdge(trial: Trial, name: string, namespace: string): Promise<void> {
  const { manifests } = trial;
  const client = `client-of-${name}`;
  const isRequired = manifests.some((manifest) => isConfigOf(manifest, name) && asks(manifest));
  await withCertificate(trial.cluster, { certificate: certificateFor(manifests, client, namespace) }, () =>
    visit(trial, {
      subject: `edge ${name}`,
      standing: {
        name: client,
        namespace,
        image: imageWith('python3', manifests),
        memory: '64Mi',
        trust: true,
        secrets: { '/tls': client },
        env: [{ name: 'HOST', value: `${name}.${namespace}.svc.cluster.local` }],
      },
      goals: [goalOf(manifests, namespace, name, 'https')],
      prelude: '',
      attempts: isRequired ? [...ATTEMPTS, WITHOUT_CERTIFICATE] : ATTEMPTS,
    }),
  );
}

const isConfigOf = ({ kind, metadata }: Manifest, name: string): boolean =>
  kind === 'ConfigMap' && metadata.name.startsWith(`${name}-config-`);

/** Whether HAProxy asks everybody for a certificate. */
const asks = ({ data }: Manifest): boolean =>
  (data as Readonly<Record<string, string>> | undefined)?.['haproxy.cfg']?.includes('verify required') ===
  true;
