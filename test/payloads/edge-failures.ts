/** What fails behind the edge, and what the edge itself goes through: nobody loses more than must be. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, EdgePod } from './edge-pod';
import { paced, type Stand, statuses, upgrade, WIDE } from './edge-stand';
import type { Report } from './report';
import { seconds, until } from './timing';

/** Errors in a row open it; two good looks at /status close it. */
export async function breaker(report: Report, stand: Stand): Promise<void> {
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
export async function killedPod(report: Report, stand: Stand): Promise<void> {
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
export async function reload(report: Report, stand: Stand): Promise<void> {
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
export async function stopping(report: Report, stand: Stand): Promise<void> {
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
