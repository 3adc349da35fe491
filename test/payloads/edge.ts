/**
 * Runs the real payload files of the bridge's edge in the real HAProxy on loopback, between a stand-in for the bridge and real
 * clients. Replaced are addresses, ports and folders; a client's address is one of 127.0.0.0/8.
 */
import { Agent } from 'node:https';
import { join } from 'node:path';
import { breaker, killedPod, reload, stopping } from './edge-failures';
import { gateway } from './edge-gateway';
import { limits, slowClients, sockets } from './edge-limits';
import { entry, modes } from './edge-modes';
import type { Answer, EdgePod, Question } from './edge-pod';
import { isJson, isStatus, parsed, Stand, statuses, WIDE } from './edge-stand';
import type { Report } from './report';
import { seconds, until } from './timing';

export async function check(report: Report): Promise<void> {
  const stand = await Stand.open();
  try {
    await configurations(report, stand);
    await passing(report, stand);
    await limits(report, stand);
    await modes(report, stand);
    await entry(report, stand);
    await certificates(report, stand);
    await gateway(report, stand);
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

/** The line about a request, by its trace. */
async function logged(edge: EdgePod, trace: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const find = () => edge.lines.find((line) => line.includes(trace));
  await until(1000, 'a line', () => Promise.resolve(find() !== undefined)).catch(() => undefined);
  return parsed(find() ?? '');
}
