/** The switch: what each mode passes, who switches, and what a start or a reload leaves of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Question } from './edge-pod';
import { isStatus, type Stand, statuses, upgrade, WIDE } from './edge-stand';
import type { Report } from './report';
import { seconds, until } from './timing';

/** The switch: a map in memory, and for pods to come a file. */
export async function modes(report: Report, stand: Stand): Promise<void> {
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
    open: '200 200 200 101',
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

/** Appends that fail switch it to read-only; only a person switches it back. */
export async function entry(report: Report, stand: Stand): Promise<void> {
  const limits = { ...WIDE, writeFailures: 10, errors: 1000, serverSeconds: 1 };
  const edge = await stand.running(1, limits);
  const [pod] = stand.pods;
  if (!pod) throw new Error('no pod');
  const append = () => edge.ask('/event/store', { method: 'POST', body: '{}' });
  const series = async (count: number, ask: () => Promise<Answer>): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (let index = 0; index < count; index += 1) answers.push(await ask());
    return answers;
  };

  pod.code = 500;
  await series(30, () => edge.ask('/task/dispatch', { method: 'POST', body: '{}' }));
  pod.code = 200;
  await series(12, append);
  pod.code = 500;
  await series(12, append);
  pod.code = 200;
  report(
    'failures of other requests, and of half of all appends, switch nothing',
    (await append()).status === 200 && (await edge.script('mode.sh')) === 'normal',
  );

  await edge.script('mode.sh', 'normal');
  pod.code = 500;
  const before = stand.count('POST /event/store');
  const { socket } = await upgrade(edge, '/ws/agent');
  const cut = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  const answers = await series(13, append);
  const seen = stand.count('POST /event/store') - before;
  report(
    'appends that fail switch it to read-only at their number: 10 of 10',
    statuses(answers) === `${'500 '.repeat(10)}503 503 503` &&
      seen === 10 &&
      (answers.at(-1)?.body.includes('"mode":"read-only"') ?? false),
    `${statuses(answers)}, ${seen} at the bridge`,
  );
  pod.code = 200;
  const told = await until(5000, 'metrics', async () => (await edge.modes()) === 'read-only');
  report('its metrics tell of it', true, `after ${seconds(told)}`);
  await edge.script('live-haproxy.sh');
  report('the next look of its probe cuts WebSockets', await Promise.race([cut, sleep(1000, false)]));
  await sleep(11_000);
  const later = await Promise.all([append(), edge.ask('/event/query')]);
  report('it stays so, though the bridge is well again', statuses(later) === '503 200', statuses(later));

  edge.mount('tls/tls.key', readFileSync(join(stand.folder, 'client.key')));
  edge.mount('tls/tls.crt', readFileSync(join(stand.folder, 'client.crt')));
  await edge.script('live-haproxy.sh');
  await until(5000, 'reloaded', async () => (await edge.up()) === 1);
  const reloaded = await append();
  await edge.restart();
  await until(8000, 'up again', async () => (await edge.up()) === 1);
  const restarted = await append();
  report(
    'through a reload and a restart of its container',
    statuses([reloaded, restarted]) === '503 503',
    statuses([reloaded, restarted]),
  );

  await edge.script('mode.sh', 'normal');
  await edge.script('live-haproxy.sh');
  const back = await append();
  report('until a person switches it back', back.status === 200, statuses([back]));

  pod.delay = 1500;
  const silent = await Promise.all(Array.from({ length: 10 }, append));
  pod.delay = 0;
  const after = await append();
  report(
    'no answer in time counts as well',
    silent.every(isStatus(504)) && after.status === 503,
    statuses([...silent, after]),
  );

  await edge.script('mode.sh', 'open');
  pod.code = 500;
  const open = await series(15, append);
  pod.code = 200;
  report(
    'a person keeps it open, whatever fails',
    open.every(isStatus(500)) && (await edge.script('mode.sh')) === 'open',
    statuses(open),
  );
}
