/** What the edge refuses: by number, by size, and by time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Question } from './edge-pod';
import { isJson, isStatus, type Stand, statuses, TIGHT, upgrade } from './edge-stand';
import type { Report } from './report';
import { seconds, until } from './timing';

/** Each limit lets exactly its number through. */
export async function limits(report: Report, stand: Stand): Promise<void> {
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

export async function sockets(report: Report, stand: Stand): Promise<void> {
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

export async function slowClients(report: Report, stand: Stand): Promise<void> {
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
