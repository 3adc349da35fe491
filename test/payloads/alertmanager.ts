/**
 * The configuration of every cluster in the real amtool: is it valid, and does each severity of each owner reach its
 * receivers. Then the real Alertmanager, with the very routes and times shortened: who gets which message, what is inhibited
 * or held back, and what comes when a receiver is back. The receiver is the payload that prints messages.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { ALERTMANAGER_VERSION, findPrograms } from '../../acceptance/programs';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import {
  configurationOf,
  OWNERS,
  type Timings,
} from '../../constructs/observability-stack/alertmanager/routes';
import type { Report } from './report';

const run = promisify(execFile);
const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? process.cwd();
const FOLDER = join(ROOT, 'constructs', 'observability-stack', 'alertmanager');

/** Receivers of each severity, in the order in which amtool names them. */
const ROUTES: Readonly<Record<string, (owner: string) => string>> = {
  critical: (owner) => `${owner}-page,${owner}-chat`,
  warning: (owner) => `${owner}-chat`,
  info: () => 'nobody',
};

export async function check(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'alertmanager-payloads-'));
  try {
    const { amtool } = await findPrograms(['amtool'], console.error);
    await routes(amtool, folder, report);
    await deliveries(await alertmanagerProgram(), folder, report);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The configuration as printed for each cluster, asked of amtool. */
async function routes(amtool: string, folder: string, report: Report): Promise<void> {
  const { images, environments } = loadConfig(join(ROOT, 'config'));
  for (const environment of environments) {
    for (const cluster of environment.clusters) {
      const name = `${environment.environment}/${cluster.name}`;
      const file = join(folder, 'printed.yaml');
      const printed = buildPlatform(environment, cluster, images)
        .objects.map(({ manifest }) => manifest)
        .find(
          ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('alertmanager-config-'),
        );
      const { 'alertmanager.yaml': text = '' } = (printed?.['data'] ?? {}) as Record<string, string>;
      writeFileSync(file, text);
      copyFileSync(join(FOLDER, 'messages.tmpl'), join(folder, 'messages.tmpl'));
      const checked = await run(amtool, ['check-config', file]).then(
        () => '',
        (error: { stderr?: string }) => error.stderr ?? String(error),
      );
      report(`${name}: amtool check-config`, checked === '', checked);

      const expected = [
        ...Object.entries(ROUTES).flatMap(([severity, told]) =>
          OWNERS.map((owner) => ({
            labels: ['alertname=A', `severity=${severity}`, `owner=${owner}`],
            receivers: told(owner),
          })),
        ),
        { labels: ['alertname=Watchdog', 'severity=info', 'owner=platform'], receivers: 'dead-mans-switch' },
        { labels: ['alertname=Foreign'], receivers: 'platform-chat' },
      ];
      for (const { labels, receivers } of expected) {
        const { stdout } = await run(amtool, [
          'config',
          'routes',
          'test',
          `--config.file=${file}`,
          ...labels,
        ]);
        report(
          `${name}: ${labels.join(' ')} goes to ${receivers}`,
          stdout.trim() === receivers,
          stdout.trim(),
        );
      }
    }
  }
}

/**
 * The real program. Its module lacks the pages of its web interface, which are made by another compiler, so that the sources
 * are copied and get an empty page; nothing here looks at it.
 */
async function alertmanagerProgram(): Promise<string> {
  const cache = join(ROOT, '.cache', 'kubernetes', `alertmanager-server-${ALERTMANAGER_VERSION}`);
  const program = join(cache, 'alertmanager');
  if (existsSync(program)) return program;
  const module = `github.com/prometheus/alertmanager@${ALERTMANAGER_VERSION}`;
  const { stdout } = await run('go', ['mod', 'download', '-json', module], { cwd: tmpdir() });
  const sources = mkdtempSync(join(tmpdir(), 'alertmanager-sources-'));
  try {
    cpSync((JSON.parse(stdout) as { Dir: string }).Dir, sources, { recursive: true });
    await run('chmod', ['-R', 'u+w', sources]);
    mkdirSync(join(sources, 'ui', 'app', 'dist'), { recursive: true });
    writeFileSync(join(sources, 'ui', 'app', 'dist', 'index.html'), '<!doctype html>\n');
    mkdirSync(cache, { recursive: true });
    console.error(`building Alertmanager ${ALERTMANAGER_VERSION}, once ...`);
    const env = { ...process.env, CGO_ENABLED: '0' };
    await run('go', ['build', '-mod=mod', '-o', program, './cmd/alertmanager'], { cwd: sources, env });
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
  return program;
}

/** Short, in the same order as the real ones. */
const TIMINGS: Timings = {
  chat: { wait: '2s', interval: '3s', repeat: '1h' },
  page: { wait: '1s', interval: '3s', repeat: '1h' },
  watchdog: { wait: '0s', interval: '3s', repeat: '2s' },
};

/** One line of the pod that prints messages. */
interface Message {
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly runbook: string;
}

type Labels = Readonly<Record<string, string>>;

async function deliveries(program: string, folder: string, report: Report): Promise<void> {
  const [web, hook] = [20_000 + (process.pid % 10_000), 30_000 + (process.pid % 10_000)];
  const messages: Message[] = [];
  const started: ChildProcess[] = [];
  const start = (command: string, args: string[]): ChildProcess => {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    started.push(child);
    return child;
  };
  const receive = (): ChildProcess => {
    const child = start('python3', [join(FOLDER, 'message-log.py'), String(hook)]);
    let rest = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      messages.push(...lines.map((line) => JSON.parse(line) as Message));
    });
    return child;
  };
  const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
  const serve = (always: boolean): ChildProcess => {
    const config = configurationOf({
      integrations: (receiver) => ({
        webhook_configs: [
          { url: `http://127.0.0.1:${hook}/${receiver}`, send_resolved: receiver !== 'dead-mans-switch' },
        ],
      }),
      maintenance: always
        ? [{ name: 'always', weekdays, from: '00:00', to: '24:00', timeZone: 'Europe/Berlin' }]
        : [],
      timings: TIMINGS,
    });
    writeFileSync(join(folder, 'alertmanager.yaml'), stringify(config));
    const data = mkdtempSync(join(folder, 'data-'));
    return start(program, [
      '--config.file=alertmanager.yaml',
      `--storage.path=${data}`,
      `--web.listen-address=127.0.0.1:${web}`,
      '--cluster.listen-address=',
    ]);
  };
  const api = `http://127.0.0.1:${web}`;
  const post = async (...alerts: readonly Labels[]): Promise<void> => send(api, alerts, {});
  const heard = (alertname: string, labels: Labels = {}, status = 'firing'): string[] =>
    messages
      .filter((message) => message.status === status)
      .filter((message) =>
        Object.entries({ alertname, ...labels }).every(([key, value]) => message.labels[key] === value),
      )
      .map(({ receiver }) => receiver);
  const until = async (holds: () => boolean): Promise<boolean> => {
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(200)) if (holds()) return true;
    return false;
  };

  try {
    let log = receive();
    const server = serve(false);
    await answers(api);
    const disk = { alertname: 'DiskFull', owner: 'data', service: 'postgres' };
    await post(
      ...Object.keys(ROUTES).flatMap((severity) =>
        OWNERS.map((owner) => ({ alertname: `${severity}-${owner}`, severity, owner })),
      ),
      { alertname: 'Watchdog', severity: 'info', owner: 'platform' },
      { ...disk, severity: 'critical' },
      { ...disk, severity: 'warning' },
      { ...disk, severity: 'warning', service: 'redis' },
      { alertname: 'NodeNotReady', severity: 'critical', owner: 'platform', node: 'a' },
      { alertname: 'PodNotReady', severity: 'warning', owner: 'platform', node: 'a' },
      { alertname: 'PodNotReady', severity: 'warning', owner: 'platform', node: 'b', service: 'other' },
    );
    await until(
      () =>
        heard('DiskFull', { service: 'redis' }).length > 0 && heard('PodNotReady', { node: 'b' }).length > 0,
    );
    await sleep(4000);
    for (const [severity, told] of Object.entries(ROUTES)) {
      for (const owner of OWNERS) {
        const got = heard(`${severity}-${owner}`).sort().join();
        const wanted = severity === 'info' ? '' : told(owner).split(',').sort().join();
        report(`${severity} of ${owner} arrives, once at each: ${wanted || 'nowhere'}`, got === wanted, got);
      }
    }
    report(
      'every message has its runbook',
      messages.every(({ runbook }) => runbook.startsWith('https://')),
    );
    const silenced = heard('DiskFull', { service: 'postgres', severity: 'warning' });
    report('critical silences the warning of its subject', silenced.length === 0, silenced.join());
    report('and not that of another', heard('DiskFull', { service: 'redis' }).join() === 'data-chat');
    report(
      'a node that is not ready silences what is on it',
      heard('PodNotReady', { node: 'a' }).length === 0,
    );
    report('and not what is on another', heard('PodNotReady', { node: 'b' }).join() === 'platform-chat');
    const beats = (): number =>
      heard('Watchdog').filter((receiver) => receiver === 'dead-mans-switch').length;
    const before = beats();
    report('Watchdog is told again and again', await until(() => beats() >= before + 2), String(beats()));

    log.kill();
    await sleep(1000);
    await post({ alertname: 'WhileAway', severity: 'critical', owner: 'bridge' });
    await send(api, [{ alertname: 'critical-data', severity: 'critical', owner: 'data' }], {
      endsAt: new Date().toISOString(),
    });
    await sleep(6000);
    log = receive();
    const back = await until(
      () =>
        heard('WhileAway').includes('bridge-page') &&
        heard('critical-data', {}, 'resolved').includes('data-page'),
    );
    report(
      'what happened while a receiver was away arrives when it is back, that something is over too',
      back,
    );

    await stop(server);
    serve(true);
    await answers(api);
    await post(
      { alertname: 'DuringMaintenance', severity: 'critical', owner: 'data' },
      { alertname: 'DuringMaintenance', severity: 'warning', owner: 'bridge' },
    );
    await until(() => heard('DuringMaintenance').length >= 2);
    await sleep(4000);
    const told = heard('DuringMaintenance').sort().join();
    report('maintenance holds back warnings, and nothing critical', told === 'data-chat,data-page', told);
  } finally {
    await Promise.all(started.map(stop));
  }
}

/** Ends a program and waits until it has: Alertmanager writes its state at the end, into a folder that is removed after. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

async function send(api: string, alerts: readonly Labels[], more: object): Promise<void> {
  const annotations = { summary: 'it is so', runbook_url: 'https://runbooks.example.com/it.md' };
  const body = alerts.map((labels) => ({ labels: { cluster: 'test', ...labels }, annotations, ...more }));
  const headers = { 'Content-Type': 'application/json' };
  const { ok, status } = await fetch(`${api}/api/v2/alerts`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  if (!ok) throw new Error(`Alertmanager refused alerts: ${status}`);
}

async function answers(api: string): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(200)) {
    const response = await fetch(`${api}/-/ready`).catch(() => undefined);
    if (response?.ok) return;
  }
  throw new Error('Alertmanager is not ready after 30 s');
}
