/**
 * Runs the real payload files of the bridge's edge in the real HAProxy on loopback, between a stand-in for the bridge and real
 * clients. Replaced are addresses, ports and folders; a client's address is one of 127.0.0.0/8.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, globalAgent } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { EDGE_LIMITS, type EdgeLimits } from '../../constructs/bridge-edge/limits';
import type { ClientCertificates, EdgePayloadProps, Sessions } from '../../constructs/bridge-edge/payloads';
import { BridgePod, Names } from './edge-bridge';
import { type Answer, EdgePod, type Question } from './edge-pod';
import type { Report } from './report';

const run = promisify(execFile);
const HOST = 'bridge.bridge.svc.cluster.local';

/** Small enough to reach each within a second. */
const TIGHT: Partial<EdgeLimits> = {
  clientConnections: 6,
  clientRequests: 20,
  agentRequests: 8,
  sessions: 5,
  routes: { 'task-dispatch': 12 },
  bodyBytes: 4096,
  inFlight: 2,
  queue: 3,
  queueSeconds: 6,
  slowSeconds: 1,
  clientSeconds: 2,
  tunnelSeconds: 6,
  slowStartSeconds: 1,
};

/** As wide as what is not measured needs to be, with a breaker that is quick. */
const WIDE: Partial<EdgeLimits> = {
  clientRequests: 1_000_000,
  agentRequests: 1_000_000,
  routeRequests: 1_000_000,
  clientConnections: 1000,
  servers: 3,
  errors: 5,
  openSeconds: 1,
  retryFailures: 1000,
  slowStartSeconds: 1,
};

export async function check(report: Report): Promise<void> {
  const stand = await Stand.open();
  try {
    await configurations(report, stand);
    await passing(report, stand);
    await limits(report, stand);
    await modes(report, stand);
    await certificates(report, stand);
    await sockets(report, stand);
    await slowClients(report, stand);
    await breaker(report, stand);
    await killedPod(report, stand);
    await reload(report, stand);
    await stopping(report, stand);
    journal(report, stand);
  } catch (error) {
    console.error(stand.journal().slice(-20).join('\n'));
    throw error;
  } finally {
    await stand.close();
  }
}

/** Three pods of the bridge, their names, and the edges in front of them. */
class Stand {
  readonly pods: BridgePod[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'edge-payloads-'));
  private readonly names = new Names();
  private readonly edges: EdgePod[] = [];
  private dnsPort = 0;
  private port = 0;

  static async open(): Promise<Stand> {
    const stand = new Stand();
    stand.port = await freePort();
    stand.dnsPort = await stand.names.listen();
    await stand.issue();
    for (const last of [11, 12, 13]) {
      const pod = new BridgePod(`127.0.0.${last}`, stand.port);
      await pod.start();
      stand.pods.push(pod);
    }
    return stand;
  }

  /** An edge that is not started. */
  async edge(
    limits: Partial<EdgeLimits>,
    clientCertificates: ClientCertificates = 'none',
    sessions: Sessions = 'shared',
  ): Promise<EdgePod> {
    const props: EdgePayloadProps = {
      limits: { ...EDGE_LIMITS, ...limits },
      clientCertificates,
      sessions,
      backend: { host: HOST, address: `${HOST}:${this.port}` },
      ports: { https: await freePort(), http: await freePort(), admin: await freePort() },
    };
    const edge = new EdgePod(join(this.folder, String(this.edges.length)), props, this.dnsPort, this.folder);
    this.edges.push(edge);
    return edge;
  }

  /** An edge that runs, in front of the first of the pods. */
  async running(pods: number, ...settings: Parameters<Stand['edge']>): Promise<EdgePod> {
    this.announce(pods);
    for (const pod of this.pods) Object.assign(pod, { code: 200, delay: 0, status: 'operational' });
    const edge = await this.edge(...settings);
    edge.start();
    await until(8000, 'the bridge is up', async () => (await edge.up()) === pods);
    await until(8000, 'its sockets are up', async () => (await edge.up('sockets')) === pods);
    return edge;
  }

  /** The pods whose addresses DNS gives. */
  announce(pods: number): void {
    this.names.addresses.clear();
    for (const { ip } of this.pods.slice(0, pods)) this.names.addresses.add(ip);
  }

  /** How often a request reached any of the pods. */
  count(request: string): number {
    return this.pods.reduce((sum, pod) => sum + pod.count(request), 0);
  }

  /** What all edges said. */
  journal(): string[] {
    return this.edges.flatMap(({ lines }) => lines);
  }

  async close(): Promise<void> {
    globalAgent.destroy();
    await Promise.all(this.edges.map((edge) => edge.stop()));
    for (const pod of this.pods) pod.kill();
    this.names.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async issue(): Promise<void> {
    const ec = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
    const leaf = (name: string, authority: string, folder: string) => `
      openssl req ${ec} -keyout ${folder}/${name}.key -out ${name}.csr -subj /CN=${name}
      openssl x509 -req -in ${name}.csr -CA ${authority}.crt -CAkey ${authority}.key -CAcreateserial -out ${folder}/${name}.crt -days 1`;
    await run(
      'sh',
      [
        '-ec',
        `mkdir strange
        for ca in ca other; do openssl req -x509 ${ec} -keyout $ca.key -out $ca.crt -subj /CN=$ca -days 1; done
        ${leaf('server', 'ca', '.')}${leaf('client', 'ca', '.')}${leaf('client', 'other', 'strange')}`,
      ],
      { cwd: this.folder },
    );
  }
}

async function configurations(report: Report, stand: Stand): Promise<void> {
  const kinds = ['none', 'without-token', 'required'] as const;
  for (const sessions of ['one-process', 'shared'] as const) {
    for (const kind of kinds) {
      const edge = await stand.edge({ servers: 50 }, kind, sessions);
      const said = await edge.verify().then(
        (text) => text.trim(),
        (error: unknown) => `refused: ${String(error)}`,
      );
      const ok = !said.includes('refused');
      report(`HAProxy takes it: certificates ${kind}, sessions ${sessions}`, ok, ok ? '' : said);
    }
  }
}

async function passing(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(1, {});
  const [pod] = stand.pods;
  const reads = ['/health', '/status', '/event/query?limit=1', '/elicitation/1'];
  const posts = '/session/create /session/validate /validate /expert/register /expert/delegate /event/store';
  const writes = [...posts.split(' '), '/task/dispatch', '/collaboration/start', '/elicitation/1'];
  const passed = await Promise.all([
    ...reads.map((path) => edge.ask(path)),
    ...writes.map((path) => edge.ask(path, { method: 'POST', body: '{}' })),
  ]);
  report('every endpoint of the contract is passed', passed.every(isStatus(200)), statuses(passed));

  const before = pod?.seen.length;
  const inside = [
    '/',
    '/docs',
    '/openapi.json',
    '/metrics',
    '/ready',
    '/ws/../docs',
    '/elicitation//docs',
    '/elicitation/%2e%2e/docs',
  ];
  const kept = await Promise.all(inside.map((path) => edge.ask(path)));
  report(
    'nothing else is: /docs, /openapi.json and /metrics stay inside',
    kept.every(isStatus(404)) && pod?.seen.length === before,
    statuses(kept),
  );

  const trace = '0af7651916cd43dd8448eb211c80319c';
  const given = await edge.ask('/health', { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
  const passedOn = pod?.headers['traceparent'];
  report(
    'a trace is passed on, answered and logged',
    passedOn === `00-${trace}-b7ad6b7169203331-01` &&
      given.headers['x-trace-id'] === trace &&
      (await logged(edge, trace))?.['status'] === 200,
  );
  const made = await edge.ask('/health', { headers: { traceparent: 'nonsense"}' } });
  const [, id = '', span = ''] = String(pod?.headers['traceparent']).split('-');
  const line = await logged(edge, id);
  report(
    'one that is missing or broken is made',
    /^[0-9a-f]{32}$/.test(id) &&
      /^[0-9a-f]{16}$/.test(span) &&
      made.headers['x-trace-id'] === id &&
      line?.['span_id'] === span,
    `${id} ${span}`,
  );
  const odd = await edge.ask('/elicitation/"}\\', { headers: { authorization: 'Bearer secret' } });
  const oddLine = await logged(edge, String(odd.headers['x-trace-id']));
  report(
    'whatever a path has in it, the line is JSON, without the token',
    oddLine?.['path'] === '/elicitation/"}\\' && !JSON.stringify(oddLine).includes('secret'),
    JSON.stringify(oddLine),
  );
  await edge.ask('/health', { headers: { 'x-forwarded-for': '8.8.8.8' }, localAddress: '127.0.0.99' });
  report(
    'the client is who connects, not who it says it is',
    pod?.headers['x-forwarded-for'] === '127.0.0.99',
  );
  report(
    'metrics for Prometheus',
    (await edge.inside('/metrics')).includes('haproxy_frontend_http_requests_total'),
  );

  const stopped = until(8000, 'taken out', async () => (await edge.up()) === 0);
  if (pod) pod.status = 'stopped';
  const out = await stopped;
  const refused = await edge.ask('/validate', { method: 'POST', body: '{}' });
  report(
    'a pod whose /status says stopped, with code 200, gets nothing',
    refused.status === 503 && refused.headers['retry-after'] === '5' && isJson(refused),
    `out after ${seconds(out)}`,
  );
}

/** Each limit lets exactly its number through. */
async function limits(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(1, TIGHT);
  const series = async (count: number, ask: (index: number) => Promise<Answer>): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (let index = 0; index < count; index += 1) answers.push(await ask(index));
    return answers;
  };
  const exact = (
    name: string,
    limit: number,
    answers: readonly Answer[],
    code: number,
    seen: number,
  ): void => {
    const through = answers.findIndex(({ status }) => status !== 200);
    const rest = answers.slice(limit);
    const retry = rest.map(({ headers }) => headers['retry-after']);
    const told = code === 429 ? retry.every((after) => Number(after) > 0) : true;
    report(
      `limit of ${name}: ${limit} and no more`,
      through === limit &&
        rest.length > 0 &&
        rest.every(isStatus(code)) &&
        rest.every(isJson) &&
        told &&
        seen === limit,
      `${through} through, then ${code}${code === 429 ? `, Retry-After ${retry[0]}` : ''}, ${seen} at the bridge`,
    );
  };
  const post = (path: string, question: Question) =>
    edge.ask(path, { method: 'POST', body: '{}', ...question });

  let from = stand.count('GET /health');
  exact(
    'a client',
    20,
    await series(25, () => edge.ask('/health', { localAddress: '127.0.1.1' })),
    429,
    stand.count('GET /health') - from,
  );
  const other = await edge.ask('/health', { localAddress: '127.0.1.2' });
  report('another client is not concerned', other.status === 200);

  from = stand.count('POST /validate');
  const agent = (name: string, address: number) =>
    post('/validate', { headers: { authorization: `Bearer ${name}` }, localAddress: `127.0.2.${address}` });
  exact(
    'an agent, from wherever it comes',
    8,
    await series(12, (index) => agent('a', index + 1)),
    429,
    stand.count('POST /validate') - from,
  );
  report('another agent is not concerned', (await agent('b', 1)).status === 200);

  from = stand.count('POST /session/create');
  exact(
    'new sessions',
    5,
    await series(8, () => post('/session/create', { localAddress: '127.0.3.1' })),
    429,
    stand.count('POST /session/create') - from,
  );

  from = stand.count('POST /task/dispatch');
  const dispatch = (index: number) => post('/task/dispatch', { localAddress: `127.0.4.${index + 1}` });
  exact(
    'a route, of all clients together',
    12,
    await series(15, dispatch),
    429,
    stand.count('POST /task/dispatch') - from,
  );

  const socket = (): Promise<string> =>
    upgrade(edge, '/ws/victim', '127.0.5.1').then(({ head, socket: open }) => (open.destroy(), head));
  const heads: string[] = [];
  for (let index = 0; index < 10; index += 1) heads.push(await socket());
  const victim = await upgrade(edge, '/ws/victim', '127.0.5.2');
  victim.socket.destroy();
  report(
    'limit of WebSockets of an agent: 8 and no more, and nobody uses up those of another address',
    heads.filter((head) => head.includes(' 101 ')).length === 8 &&
      heads.slice(8).every((head) => head.includes(' 429 ')) &&
      victim.head.includes(' 101 '),
    heads.map((head) => head.split(' ')[1]).join(' '),
  );

  const dials = await Promise.allSettled(Array.from({ length: 9 }, () => edge.dial('127.0.6.1')));
  const open = dials.flatMap((dial) => (dial.status === 'fulfilled' ? [dial.value] : []));
  report(
    'limit of a client’s connections: 6 and no more',
    open.length === 6,
    `${open.length} of ${dials.length}`,
  );
  for (const each of open) each.destroy();

  const metrics = await edge.inside('/metrics');
  const limited = /^haproxy_backend_http_responses_total\{proxy="limited",code="4xx"\} (\d+)$/m.exec(
    metrics,
  )?.[1];
  report('its metrics count whom limits refuse', limited === '17', limited);

  const large = await post('/event/store', { body: 'x'.repeat(4097), localAddress: '127.0.7.1' });
  const fits = await post('/event/store', { body: 'x'.repeat(4096), localAddress: '127.0.7.1' });
  const chunked = await edge.ask('/event/store', {
    method: 'POST',
    headers: { 'transfer-encoding': 'chunked' },
    localAddress: '127.0.7.1',
  });
  report(
    'limit of a body: 4,096 bytes, and its length is said',
    fits.status === 200 && large.status === 413 && chunked.status === 411,
    statuses([fits, large, chunked]),
  );

  const [pod] = stand.pods;
  if (pod) pod.delay = 1500;
  const wait = (address: number) => edge.ask('/event/query', { localAddress: `127.0.8.${address}` });
  const first = [1, 2, 3, 4, 5].map(wait);
  await until(1400, 'three that wait', async () =>
    /^haproxy_backend_current_queue\{proxy="bridge"\} 3$/m.test(await edge.inside('/metrics')),
  );
  const waiting = [...first, ...[6, 7, 8].map(wait)];
  const answers = await Promise.all(waiting);
  if (pod) pod.delay = 0;
  report(
    'limit of the queue: 2 in the bridge, 3 that wait, and no more',
    answers.slice(0, 5).every(isStatus(200)) && answers.slice(5).every(isStatus(503)),
    statuses(answers),
  );
}

/** The switch: a map in memory, and for pods to come a file. */
async function modes(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(1, WIDE);
  const started = stand.journal().length;
  const questions: [string, Question][] = [
    ['/health', {}],
    ['/event/query', {}],
    ['/validate', { method: 'POST', body: '{}' }],
  ];
  const seen = async (): Promise<string> => {
    const answers = await Promise.all(questions.map(([path, question]) => edge.ask(path, question)));
    const { head, socket } = await upgrade(edge, '/ws/agent');
    socket.destroy();
    const reasons = answers
      .filter(isStatus(503))
      .map(({ body, headers }) => `${headers['retry-after']} ${body}`);
    return [statuses(answers), head.split(' ')[1], ...new Set(reasons)].join(' ');
  };
  const reason = (mode: string) => `30 {"detail":"switched off by its operators","mode":"${mode}"}`;
  const wanted = {
    'read-only': `200 200 503 503 ${reason('read-only')}`,
    'fail-closed': `200 503 503 503 ${reason('fail-closed')}`,
    normal: '200 200 200 101',
  };
  report('mode normal passes everything', (await seen()) === wanted.normal);
  const { socket } = await upgrade(edge, '/ws/agent');
  const cut = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  for (const [mode, want] of Object.entries(wanted)) {
    const start = Date.now();
    await edge.script('mode.sh', mode);
    const time = Date.now() - start;
    const got = await seen();
    report(`mode ${mode}, switched while it runs`, got === want, `${got}, after ${time} ms`);
    const told = await until(5000, `metrics of ${mode}`, async () => (await edge.modes()) === mode);
    report(`its metrics tell of mode ${mode}`, true, `after ${seconds(told)}`);
  }
  report('an open WebSocket is cut: it could write', await Promise.race([cut, sleep(1000, false)]));
  const nonsense = await edge.script('mode.sh', 'nonsense').catch((error: unknown) => String(error));
  report('another word is refused', nonsense.includes('usage') && (await seen()) === wanted.normal);
  edge.mount('mode/mode', 'read-only\n');
  await edge.script('live-haproxy.sh');
  report('the operators’ ConfigMap is followed', (await seen()) === wanted['read-only']);
  await edge.script('mode.sh', 'normal');
  await edge.script('live-haproxy.sh');
  report(
    'until somebody says otherwise',
    (await seen()) === wanted.normal && (await edge.script('mode.sh')) === 'normal',
  );
  edge.mount('mode/mode', 'nonsense\n');
  await edge.script('live-haproxy.sh');
  report('what is no mode lets nobody in', (await seen()) === wanted['fail-closed']);
  await edge.script('mode.sh', 'read-only');
  await edge.restart();
  await until(5000, 'up again', async () => (await edge.up()) === 1);
  report(
    'a container that is started again is in the mode that it was in',
    (await seen()) === wanted['read-only'],
  );
  edge.mount('mode/mode', 'fail-closed\n');
  await edge.restart();
  await until(5000, 'up again', async () => (await edge.up()) === 1);
  report('but in that of the ConfigMap where it changed meanwhile', (await seen()) === wanted['fail-closed']);
  report(
    'no reload was needed',
    !stand
      .journal()
      .slice(started)
      .some((line) => line.includes('Reloading')),
  );
}

async function certificates(report: Report, stand: Stand): Promise<void> {
  const strange = join(stand.folder, 'strange');
  const outcome = (answer: Promise<Answer>) =>
    answer.then(
      ({ status }) => String(status),
      () => 'cut',
    );
  const create: Question = { method: 'POST', body: '{}' };
  const ask = async (edge: EdgePod, path: string, question: Question) => {
    // No session of an earlier connection may stand for a certificate.
    const agent = () => new Agent({ keepAlive: false, maxCachedSessions: 0 });
    const with_ = (certificate?: string) =>
      outcome(
        edge.ask(path, {
          ...question,
          agent: agent(),
          ...(certificate === undefined ? {} : { certificate }),
        }),
      );
    return [await with_(), await with_(stand.folder), await with_(strange)].join(' ');
  };
  const required = await stand.running(1, WIDE, 'required');
  const all = [await ask(required, '/health', {}), await ask(required, '/session/create', create)];
  report(
    'certificates required: none is cut off, the platform’s passes, a stranger’s is cut off',
    all.every((each) => each === 'cut 200 cut'),
    all.join(', '),
  );
  const sometimes = await stand.running(1, WIDE, 'without-token');
  const some = [await ask(sometimes, '/event/query', {}), await ask(sometimes, '/session/create', create)];
  report(
    'certificates where no token is asked for',
    some.join(', ') === '200 200 cut, 403 200 cut',
    some.join(', '),
  );
  const named = [...sometimes.lines].reverse().find((line) => line.includes('"certificate":"client"'));
  report('the certificate’s name is logged', named !== undefined);
}

async function sockets(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(1, TIGHT);
  const { head, socket, received } = await upgrade(edge, '/ws/agent', '127.0.9.1');
  socket.write('ping');
  await until(2000, 'an echo', () => Promise.resolve(received().includes('ping')));
  // Twice as long as a client may be idle otherwise.
  await sleep(4000);
  socket.write('pong');
  await until(2000, 'an echo', () => Promise.resolve(received().includes('pong'))).catch(() => undefined);
  report(
    'a WebSocket passes, both ways, and outlives the time of a request',
    head.includes(' 101 ') && received() === 'pingpong',
    received(),
  );
  const start = Date.now();
  const closed = await Promise.race([
    new Promise<boolean>((resolve) => socket.once('close', () => resolve(true))),
    sleep(9000, false),
  ]);
  report(
    'one that is silent for its own time is closed',
    closed && Date.now() - start > 5000,
    seconds(Date.now() - start),
  );
}

async function slowClients(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(1, TIGHT);
  const slow = async (address: string, first: string, drop: string): Promise<string> => {
    const socket = await edge.dial(address);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const start = Date.now();
    const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
    socket.write(first);
    const drip = setInterval(() => socket.writable && socket.write(drop), 150);
    const ended = await Promise.race([closed, sleep(5000, false)]);
    clearInterval(drip);
    socket.destroy();
    return `${text.split(' ')[1] ?? 'nothing'} after ${((Date.now() - start) / 1000).toFixed(0)} s${ended ? '' : ', still open'}`;
  };
  const from = stand.count('POST /validate');
  const [headers, body] = await Promise.all([
    slow('127.0.10.1', 'GET /health HTTP/1.1\r\nhost: edge\r\n', 'x: y\r\n'),
    slow('127.0.10.2', 'POST /validate HTTP/1.1\r\nhost: edge\r\ncontent-length: 4000\r\n\r\n', 'x'),
  ]);
  report('who sends headers slowly is cut', headers === 'nothing after 1 s', headers);
  report(
    'who sends a body slowly is cut, and the bridge never hears of it',
    body === 'nothing after 1 s' && stand.count('POST /validate') === from,
    body,
  );
}

/** Errors in a row open it; two good looks at /status close it. */
async function breaker(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(1, WIDE);
  const [pod] = stand.pods;
  if (!pod) throw new Error('no pod');
  const before = await counts(edge);
  pod.code = 500;
  const from = pod.seen.length;
  const answers: Answer[] = [];
  for (let index = 0; index < 9; index += 1)
    answers.push(await edge.ask('/validate', { method: 'POST', body: '{}' }));
  report(
    'the breaker opens at its number: 5 errors in a row',
    statuses(answers) === '500 500 500 500 500 503 503 503 503' && pod.seen.length - from === 5,
    `${statuses(answers)}, ${pod.seen.length - from} at the bridge`,
  );
  pod.code = 200;
  const start = Date.now();
  const back = await until(
    8000,
    'closed again',
    async () => (await edge.ask('/validate', { method: 'POST', body: '{}' })).status === 200,
  );
  report('and closes when /status answers twice', Date.now() - start > 500, `after ${seconds(back)}`);
  const counted = (await counts(edge)).map((count, index) => count - (before[index] ?? 0));
  const [opened, failed = 0, byBridge = 0] = counted;
  report(
    'its metrics count that it opened, and tell the bridge’s 5xx from the edge’s own',
    opened === 1 && byBridge === 5 && failed - byBridge >= 4,
    counted.join(' '),
  );

  const ask = async () => (await edge.ask('/event/query')).status;
  await edge.script('server.sh', 'bridge1', 'maint');
  const held = [await ask(), await ask()];
  await edge.script('server.sh', 'bridge1', 'ready');
  await until(8000, 'ready', async () => (await ask()) === 200);
  pod.code = 500;
  for (let index = 0; index < 6; index += 1) held.push(await ask());
  pod.code = 200;
  await edge.script('server.sh', 'bridge1', 'up');
  held.push(await ask());
  report(
    'a person holds it open, and closes it before its time',
    held.join(' ') === '503 503 500 500 500 500 500 503 200',
    held.join(' '),
  );
}

/** How often its breaker opened; 5xx in all, and those of the bridge, by its metrics. */
async function counts(edge: EdgePod): Promise<number[]> {
  const metrics = await edge.inside('/metrics');
  return [
    /^haproxy_server_check_up_down_total\{proxy="bridge",server="bridge1"\} (\d+)$/m,
    /^haproxy_frontend_http_responses_total\{proxy="edge",code="5xx"\} (\d+)$/m,
    /^haproxy_server_http_responses_total\{proxy="bridge",server="bridge1",code="5xx"\} (\d+)$/m,
  ].map((pattern) => Number(pattern.exec(metrics)?.[1]));
}

/** A pod dies in the middle of requests. */
async function killedPod(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(3, WIDE);
  for (const pod of stand.pods) pod.delay = 100;
  const reads = Array.from({ length: 600 }, (_, index) => `/event/query?id=${index}`);
  const writes = Array.from({ length: 150 }, (_, index) => `/validate?id=${index}`);
  const [victim] = stand.pods;
  const asked = Promise.all([
    paced(reads, (path) => edge.ask(path), 24),
    paced(writes, (path) => edge.ask(path, { method: 'POST', body: '{}' })),
    until(5000, 'both at once', () =>
      Promise.resolve(['GET', 'POST'].every((method) => victim?.busy.includes(method))),
    ).then(() => victim?.kill()),
  ]);
  const [read, written] = await asked;
  const lost = read.filter((status) => status !== 200);
  const repeated = writes.filter((path) => stand.count(`POST ${path}`) > 1);
  const again = reads.filter((path) => stand.count(`GET ${path}`) > 1);
  // On a connection that was kept, HAProxy leaves it to its client to see that there is no answer.
  const unsure = written.filter((status) => status !== 200);
  report(
    'a killed pod of the bridge: no request that reads is lost',
    lost.length === 0 && again.length > 0,
    `${lost.length} of ${reads.length} lost, ${again.length} sent again`,
  );
  report(
    'and none that writes is sent twice',
    repeated.length === 0 && unsure.every((status) => status === 502 || status === 0) && unsure.length > 0,
    `${repeated.length} of ${writes.length} repeated, ${unsure.length} told that there was no answer (502) or cut off (0): ${[...new Set(unsure)].join(' ')}`,
  );
  await victim?.start();
}

/** A renewed certificate: the liveness probe has it read again. */
async function reload(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(3, WIDE);
  const { socket, received } = await upgrade(edge, '/ws/agent');
  const renewed = readFileSync(join(stand.folder, 'client.crt'));
  const agents = {
    kept: new Agent({ keepAlive: true, maxSockets: 8 }),
    fresh: new Agent({ keepAlive: false, maxSockets: 8 }),
  };
  const paths = Array.from({ length: 1000 }, (_, index) => `/event/query?reload=${index}`);
  const all = Object.values(agents).map((agent) => paced(paths, (path) => edge.ask(path, { agent }), 16));
  await sleep(300);
  edge.mount('tls/tls.key', readFileSync(join(stand.folder, 'client.key')));
  edge.mount('tls/tls.crt', renewed);
  await edge.script('live-haproxy.sh');
  const answers = (await Promise.all(all)).flat();
  const dropped = answers.filter((status) => status !== 200);
  for (const agent of Object.values(agents)) agent.destroy();
  report(
    'a reload drops none',
    dropped.length === 0,
    `${dropped.length} of ${answers.length}, half of them on connections that are kept`,
  );
  const served = await edge.dial();
  const mode = await until(5000, 'its mode', async () => (await edge.modes()) === 'normal').then(() =>
    edge.modes(),
  );
  report('its metrics tell of its mode afterwards', mode === 'normal', mode);
  report('the renewed certificate is served', served.getPeerCertificate().subject.CN === 'client');
  served.destroy();
  socket.write('still here');
  await until(2000, 'an echo', () => Promise.resolve(received() === 'still here')).catch(() => undefined);
  report('a WebSocket stays through it', received() === 'still here');
  socket.destroy();
}

/** The kubelet stops the pod: what is under way is answered. */
async function stopping(report: Report, stand: Stand): Promise<void> {
  const edge = await stand.running(1, WIDE);
  const [pod] = stand.pods;
  if (pod) pod.delay = 1000;
  const underWay = Promise.allSettled(
    Array.from({ length: 20 }, () =>
      edge.ask('/validate', { method: 'POST', body: '{}', agent: new Agent() }),
    ),
  );
  await sleep(400);
  edge.signal('SIGUSR1');
  await sleep(100);
  const late = await edge.ask('/health', { agent: new Agent() }).then(
    ({ status }) => String(status),
    () => 'refused',
  );
  const answered = (await underWay).filter(
    (each) => each.status === 'fulfilled' && each.value.status === 200,
  ).length;
  const ended = await edge.ended(5000);
  report(
    'a stop answers what is under way, takes nothing new, and ends',
    answered === 20 && late === 'refused' && ended,
    `${answered} of 20 answered, later ones ${late}`,
  );
}

/** Every line is JSON, or HAProxy's own about itself and its servers. */
function journal(report: Report, stand: Stand): void {
  const own =
    /^(\[(NOTICE|WARNING|ALERT)\]|Server |backend |\[haproxy|Proxy |<)|^\S+ (changed its IP|IP changed)|^$/;
  const lines = stand.journal().filter((line) => !own.test(line));
  const broken = lines.filter((line) => parsed(line) === undefined);
  report(
    'every line about a request is JSON',
    broken.length === 0 && lines.length > 2000,
    `${broken.length} of ${lines.length} not${broken[0] ? `: ${broken[0]}` : ''}`,
  );
}

/** Begins a WebSocket as a client does, and keeps what comes afterwards. */
async function upgrade(
  edge: EdgePod,
  path: string,
  address?: string,
): Promise<{ head: string; socket: TLSSocket; received: () => string }> {
  const socket = await edge.dial(address);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: edge\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await until(3000, 'an answer to an upgrade', () => Promise.resolve(text.includes('\r\n\r\n')));
  const end = text.indexOf('\r\n\r\n') + 4;
  return { head: text.slice(0, end), socket, received: () => text.slice(end) };
}

/** Asks for one path after the other, so many at a time; the codes, 0 for none. */
async function paced(
  paths: readonly string[],
  ask: (path: string) => Promise<Answer>,
  width = 8,
): Promise<number[]> {
  const codes: number[] = [];
  const left = [...paths];
  const work = async (): Promise<void> => {
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      codes.push(
        await ask(path).then(
          ({ status }) => status,
          () => 0,
        ),
      );
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return codes;
}

/** The line about a request, by its trace. */
async function logged(edge: EdgePod, trace: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const find = () => edge.lines.find((line) => line.includes(trace));
  await until(1000, 'a line', () => Promise.resolve(find() !== undefined)).catch(() => undefined);
  return parsed(find() ?? '');
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

const isStatus =
  (code: number) =>
  ({ status }: Answer): boolean =>
    status === code;

const isJson = ({ body, headers }: Answer): boolean =>
  headers['content-type'] === 'application/json' && parsed(body)?.['detail'] !== undefined;

const statuses = (answers: readonly Answer[]): string => answers.map(({ status }) => status).join(' ');

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Polls until the condition holds; the time it took. */
async function until(limit: number, name: string, condition: () => Promise<boolean>): Promise<number> {
  const start = Date.now();
  while (!(await condition())) {
    if (Date.now() - start > limit) throw new Error(`not within ${seconds(limit)}: ${name}`);
    await sleep(50);
  }
  return Date.now() - start;
}
