/**
 * Runs logs and traces through real programs on loopback: agent and gateway (the collector, of the components that they are
 * made of) and Loki, with the configuration that is printed. Replaced are addresses, paths and certificates, and Loki's bucket
 * by a folder; for Tempo, which cannot be built here, stands a third collector that counts what reaches it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { findPrograms } from '../../acceptance/programs';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import { bridgeLogs } from '../../constructs/bridge-with-fuse/logs';
import { Telemetry } from '../../constructs/observability-stack/telemetry';
import { Authority } from '../../guarantees/certificates/authority';
import { renderPayload } from '../../constructs/platform/config-files';
import type { Manifest } from '../../constructs/platform/manifest';
import { bucketOf, manifestsOf, platformWith } from '../support';
import { LINES, type Line } from './telemetry-lines';
import { freePort } from '../../acceptance/free-port';
import type { Report } from './report';

const run = promisify(execFile);
const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? process.cwd();

/** Folders with a `logs.yaml`, by the namespace that it is for. */
const PARSERS = {
  redis: 'redis-sentinel',
  edge: 'bridge-edge',
  postgres: 'postgres-cluster',
  'object-storage': 'object-storage',
  'vector-database': 'vector-database',
} as const;

export async function check(report: Report): Promise<void> {
  const programs = await findPrograms(['loki', 'collector'], console.error);
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-'));
  const stand = new Stand(folder);
  try {
    await verify(report, programs, folder);
    await stand.start(programs);
    await logs(report, stand);
    await traces(report, stand);
  } finally {
    await stand.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Loki and the collector check the files of every cluster as they are printed. */
async function verify(report: Report, { loki, collector }: Paths, folder: string): Promise<void> {
  const { images, environments } = loadConfig(join(ROOT, 'config'));
  for (const environment of environments) {
    for (const cluster of environment.clusters) {
      const { objects } = buildPlatform(environment, cluster, images);
      const files = filesIn(objects.map(({ manifest }) => manifest));
      const at = `${environment.environment}/${cluster.name}`;
      await isTaken(report, `${at}: Loki takes its configuration`, folder, files['loki.yaml'], (file) =>
        run(loki, [`-config.file=${file}`, '-config.expand-env=true', '-target=all', '-verify-config'], {
          env: { POD_IP: '127.0.0.1' },
        }),
      );
      for (const name of ['agent.yaml', 'gateway.yaml']) {
        const text = files[name]?.replaceAll('/state', folder);
        await isTaken(report, `${at}: the collector takes ${name}`, folder, text, (file) =>
          run(collector, ['validate', `--config=${file}`]),
        );
      }
    }
  }
}

async function isTaken(
  report: Report,
  name: string,
  folder: string,
  text: string | undefined,
  read: (file: string) => Promise<unknown>,
): Promise<void> {
  const file = join(folder, 'verify.yaml');
  writeFileSync(file, text ?? '');
  const failure = await read(file).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  report(name, text !== undefined && failure === undefined, failure ?? '');
}

type Paths = Readonly<Record<'loki' | 'collector', string>>;

const filesIn = (manifests: readonly Manifest[]): Readonly<Record<string, string>> =>
  Object.assign(
    {},
    ...manifests.filter(({ kind }) => kind === 'ConfigMap').map((manifest) => manifest['data'] as object),
  ) as Record<string, string>;

/** Everything that runs, and where it listens. */
class Stand {
  private readonly children: ChildProcess[] = [];
  private readonly said = new Map<string, string>();
  private readonly ports = new Map<string, number>();
  private ca = '';

  constructor(private readonly folder: string) {}

  /** The port of a thing on loopback; taken once, it stays. */
  async port(name: string): Promise<number> {
    const port = this.ports.get(name) ?? (await freePort());
    this.ports.set(name, port);
    return port;
  }

  async start({ loki, collector }: Paths): Promise<void> {
    this.issue();
    const files = filesIn(
      manifestsOf(
        platformWith(({ namespaces, authority }) => {
          const telemetry = new Telemetry(namespaces.add('observability'), 'Default', {
            images: { loki: 'loki', tempo: 'tempo', collector: 'collector' },
            logs: {
              perDay: '256Mi',
              replicas: 1,
              bucket: bucketOf('logs'),
              retentionDays: { platform: 1, bridge: 2 },
            },
            traces: { spansPerSecond: 20, retentionDays: 1, bucket: bucketOf('traces'), gateways: 1 },
            agents: namespaces.add('node-agents', { podSecurity: 'privileged' }),
            nodes: 1,
            storageClass: 'standard',
            spreading: 'preferred',
            authority,
          });
          for (const [namespace, at] of Object.entries(PARSERS)) {
            const parser = renderPayload(join(ROOT, 'constructs', at, 'logs.yaml'));
            telemetry.read(namespaces.add(namespace), { parser });
          }
          telemetry.read(namespaces.add('lighthouse'), bridgeLogs());
        }),
      ),
    );
    const tempo = await this.port('tempo');
    await this.launch(collector, 'tempo', await this.tempo(tempo));
    await this.launch(loki, 'loki', await this.loki(files), ['-target=all', '-config.expand-env=true'], {
      POD_IP: '127.0.0.1',
    });
    await this.waitFor('Loki', async () => (await this.get('loki', '/ready')).startsWith('ready'));
    await this.launch(collector, 'gateway', await this.collectorFile('gateway', files));
    await this.waitFor('the gateway', async () => (await this.get('gateway-8889', '/metrics')) !== undefined);
    await this.launch(collector, 'agent', await this.collectorFile('agent', files));
    await this.waitFor('the agent to look for files', () =>
      Promise.resolve(this.said.get('agent')?.includes('no files match') === true),
    );
    // What is not there yet when it looks for the first time, a second later, is read from its beginning.
    await sleep(3000);
  }

  async stop(): Promise<void> {
    for (const child of this.children) child.kill('SIGTERM');
    await Promise.all(
      this.children.map((child) =>
        child.exitCode === null ? new Promise((done) => child.once('exit', done)) : undefined,
      ),
    );
  }

  /** Resident memory of a program, MiB. */
  memory(name: string): number {
    const child = this.children.find(({ spawnargs }) =>
      spawnargs.some((arg) => arg.includes(`${name}.yaml`)),
    );
    const status = readFileSync(`/proc/${child?.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
  }

  /** Writes a line as the container runtime would. */
  write({ namespace, pod, container, text }: Line): void {
    const file = join(this.folder, 'pods', `${namespace}_${pod}_0`, container, '0.log');
    mkdirSync(dirname(file), { recursive: true });
    for (const line of text.split('\n')) {
      appendFileSync(file, `${new Date().toISOString()} stdout F ${line}\n`);
    }
  }

  async get(name: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.ask('GET', name, path, headers);
  }

  async ask(
    method: string,
    name: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<string> {
    const port = await this.port(name);
    return new Promise((done, fail) => {
      const asked = request({ host: 'localhost', port, path, method, headers, ca: this.ca }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () =>
          answer.statusCode === 200
            ? done(text)
            : fail(new Error(`${name}${path}: ${answer.statusCode} ${text}`)),
        );
      });
      asked.on('error', fail);
      asked.end(body);
    });
  }

  async waitFor(what: string, isSo: () => Promise<boolean>, seconds = 90): Promise<void> {
    const end = Date.now() + seconds * 1000;
    let last: unknown;
    while (Date.now() < end) {
      try {
        if (await isSo()) return;
      } catch (error) {
        last = error;
      }
      await sleep(500);
    }
    const said = [...this.said].map(([name, text]) => `${name}: ${text.slice(-1500)}`).join('\n');
    throw new Error(`waited ${seconds} s for ${what}: ${String(last)}\n${said}`);
  }

  private async launch(
    program: string,
    name: string,
    text: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const file = join(this.folder, `${name}.yaml`);
    writeFileSync(file, text);
    const flag = name === 'loki' ? `-config.file=${file}` : `--config=${file}`;
    const child = spawn(program, [flag, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.children.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) =>
        this.said.set(name, ((this.said.get(name) ?? '') + chunk.toString()).slice(-20_000)),
      );
    }
    await sleep(0);
  }

  /** What the parts share: certificates and folders of this test. */
  private local(text: string): string {
    return text
      .replaceAll('/trust/', `${this.folder}/`)
      .replaceAll('/tls/', `${this.folder}/`)
      .replaceAll('directory: /state', `directory: ${this.folder}/state`)
      .replaceAll('/var/log/pods', `${this.folder}/pods`);
  }

  private async collectorFile(
    name: 'agent' | 'gateway',
    files: Readonly<Record<string, string>>,
  ): Promise<string> {
    let text = this.local(files[`${name}.yaml`] ?? '');
    for (const port of [4317, 4318, 8888, 8889]) {
      const own = await this.port(`${name}-${port}`);
      text = text
        .replaceAll(`0.0.0.0:${port}`, `127.0.0.1:${own}`)
        .replaceAll(
          `host: 0.0.0.0\n                port: ${port}`,
          `host: 127.0.0.1\n                port: ${own}`,
        );
    }
    const others = { 'loki-http': 'loki', tempo: 'tempo', collector: 'gateway-4317' };
    for (const [host, target] of Object.entries(others)) {
      const port = await this.port(target);
      text = text.replaceAll(
        new RegExp(`\\b${host}\\.observability\\.svc\\.cluster\\.local:\\d+`, 'g'),
        `localhost:${port}`,
      );
    }
    return text;
  }

  private async loki(files: Readonly<Record<string, string>>): Promise<string> {
    const tenants = join(this.folder, 'tenants.yaml');
    writeFileSync(tenants, files['tenants.yaml'] ?? '');
    const s3 = /^ {4}s3:\n(?: {6}.*\n)+/m;
    const store = join(this.folder, 'bucket');
    return this.local(files['loki.yaml'] ?? '')
      .replace(s3, `    filesystem: { chunks_directory: ${store}, rules_directory: ${store} }\n`)
      .replaceAll(': s3', ': filesystem')
      .replace('path_prefix: /data', `path_prefix: ${this.folder}/loki`)
      .replace('http_listen_port: 3100', `http_listen_port: ${await this.port('loki')}`)
      .replace('grpc_listen_port: 9095', `grpc_listen_port: ${await this.port('loki-grpc')}`)
      .replace('/config/tenants.yaml', tenants)
      .replace(/join_members: .*/, `bind_port: ${await this.port('gossip')}\n  join_members: []`);
  }

  private async tempo(port: number): Promise<string> {
    const metrics = await this.port('tempo-metrics');
    const tls = { cert_file: `${this.folder}/tls.crt`, key_file: `${this.folder}/tls.key` };
    // As tempo.yaml has it: of the same library.
    const mutual = { ...tls, client_ca_file: `${this.folder}/ca.crt` };
    return stringify({
      receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${port}`, tls: mutual } } } },
      connectors: {
        spanmetrics: { namespace: 'kept', dimensions: [{ name: 'case' }], metrics_flush_interval: '1s' },
      },
      exporters: { prometheus: { endpoint: `127.0.0.1:${metrics}`, tls } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['spanmetrics'] },
          metrics: { receivers: ['spanmetrics'], exporters: ['prometheus'] },
        },
      },
    });
  }

  private issue(): void {
    for (const folder of ['state', 'pods', 'bucket']) mkdirSync(join(this.folder, folder));
    const authority = new Authority();
    this.ca = authority.certificate;
    writeFileSync(join(this.folder, 'ca.crt'), this.ca);
    const names = ['localhost', 'loki.observability.svc.cluster.local', '127.0.0.1'];
    authority.write(join(this.folder, 'tls'), 'test', { names });
  }
}

/** An entry as Loki gives it back: the line, its labels and what is kept beside it. */
interface Entry {
  readonly line: string;
  readonly labels: Readonly<Record<string, string>>;
}

async function entries(stand: Stand, tenant: string, query: string): Promise<Entry[]> {
  const path = `/loki/api/v1/query_range?limit=500&since=1h&query=${encodeURIComponent(query)}`;
  const answer = JSON.parse(await stand.get('loki', path, { 'X-Scope-OrgID': tenant })) as {
    data: { result: { stream: Record<string, string>; values: [string, string][] }[] };
  };
  return answer.data.result.flatMap(({ stream, values }) =>
    values.map(([, line]) => ({ line, labels: stream })),
  );
}

async function logs(report: Report, stand: Stand): Promise<void> {
  for (const line of LINES) stand.write(line);
  const tenantOf = ({ namespace }: Line) => (namespace === 'lighthouse' ? 'bridge' : 'platform');
  const all = async (): Promise<Record<string, Entry[]>> => ({
    platform: await entries(stand, 'platform', '{namespace=~".+"}'),
    bridge: await entries(stand, 'bridge', '{namespace=~".+"}'),
  });
  await stand.waitFor(
    'all lines in Loki',
    async () => Object.values(await all()).flat().length >= LINES.length,
  );
  const found = await all();
  for (const line of LINES) {
    const { message = line.want['parser'] ? line.text.trimEnd() : undefined, ...want } = line.want;
    const candidates = (found[tenantOf(line)] ?? []).filter(
      ({ labels }) => labels['namespace'] === line.namespace && labels['container'] === line.container,
    );
    const isWanted = ({ line: text, labels }: Entry): boolean =>
      (message === undefined || text.trimEnd() === message) &&
      Object.entries(want).every(([name, value]) => labels[name] === value);
    const near = candidates.filter(({ line: text }) => line.text.includes(text.slice(0, 20)));
    report(
      `${line.container}: ${line.text.slice(0, 60).split('\n')[0]}`,
      candidates.some(isWanted),
      candidates.some(isWanted) ? '' : JSON.stringify(near.length > 0 ? near : candidates),
    );
  }
  const foreign = (found['platform'] ?? []).filter(({ labels }) => labels['namespace'] === 'lighthouse');
  report('no line of the bridge is with the other tenant', foreign.length === 0);
  const [entry] = found['platform'] ?? [];
  const names = Object.keys(entry?.labels ?? {})
    .sort()
    .join(' ');
  report('labels and fields of an entry', names.includes('namespace'), names);
  await counts(report, stand);
}

async function counts(report: Report, stand: Stand): Promise<void> {
  const failed = LINES.filter(({ want }) => want['parser'] === 'failed').length;
  const sum = (text: string, name: RegExp): number =>
    [...text.matchAll(new RegExp(`^${name.source} (\\S+)`, 'gm'))].reduce(
      (total, [, n]) => total + Number(n),
      0,
    );
  const wanted: readonly (readonly [RegExp, number])[] = [
    [/lighthouse_log_lines_total\{[^}]*\}/, LINES.length],
    [/lighthouse_log_lines_unparsed_total\{[^}]*\}/, failed],
    [/lighthouse_log_lines_total\{[^}]*level="error"[^}]*namespace="lighthouse"[^}]*\}/, 1],
    [/lighthouse_bridge_log_errors_total\{[^}]*\}/, 1],
    [/lighthouse_bridge_fuse_failures_total\{[^}]*\}/, 1],
  ];
  let text = '';
  await stand
    .waitFor(
      'counts',
      async () => {
        text = await stand.get('agent-8889', '/metrics');
        return wanted.every(([name, count]) => sum(text, name) === count);
      },
      20,
    )
    .catch(() => undefined);
  for (const [name, count] of wanted) {
    report(`${name.source}: ${count}`, sum(text, name) === count, String(sum(text, name)));
  }
  console.log(`    ${/^lighthouse_log_lines_total.*$/m.exec(text)?.[0] ?? ''}`);
}

const SECOND = 1_000_000_000n;

/** A request's span, as the bridge's instrumentation sends it. */
function span(at: number, name: string, milliseconds: number, isError: boolean): object {
  const start = BigInt(Date.now()) * 1_000_000n - SECOND;
  const id = at.toString(16).padStart(16, '0');
  return {
    traceId: `${id}${id}`,
    spanId: id,
    name: 'POST /validate',
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(milliseconds) * 1_000_000n),
    attributes: [
      { key: 'http.route', value: { stringValue: '/validate' } },
      { key: 'http.response.status_code', value: { intValue: isError ? 500 : 200 } },
      { key: 'case', value: { stringValue: name } },
    ],
    status: isError ? { code: 2 } : {},
  };
}

async function traces(report: Report, stand: Stand): Promise<void> {
  const fast = Array.from({ length: 200 }, (_, at) => span(at + 1, 'fast', 3, false));
  const spans = [...fast, span(1001, 'slow', 700, false), span(1002, 'error', 3, true)];
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'bridge' } }] };
  const body = JSON.stringify({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }],
  });
  await stand.ask('POST', 'gateway-4318', '/v1/traces', { 'content-type': 'application/json' }, body);
  const calls = /^traces_span_metrics_calls_total\{.*$/gm;
  const total = (text: string): number =>
    [...text.matchAll(calls)].reduce((sum, [line]) => sum + Number(line.split(' ').at(-1)), 0);
  // A series begins at 0, so that its first spans are an increase.
  await stand.waitFor(
    'metrics of spans',
    async () => total(await stand.get('gateway-8889', '/metrics')) >= spans.length,
  );
  const text = await stand.get('gateway-8889', '/metrics');
  report('every span is counted', total(text) === spans.length, String(total(text)));
  const within =
    /^traces_span_metrics_duration_milliseconds_bucket\{.*le="100(?:\.0)?".*$/m.exec(text)?.[0] ?? '';
  report('durations have a bound at 100 ms', within !== '', within);
  for (const name of ['calls_total', 'duration_milliseconds_bucket', 'duration_milliseconds_count']) {
    console.log(`    ${new RegExp(`^traces_span_metrics_${name}.*$`, 'm').exec(text)?.[0] ?? 'none'}`);
  }
  const kept = async (name: string): Promise<number> => {
    const metrics = await stand.get('tempo-metrics', '/metrics');
    return Number(
      new RegExp(`^kept_calls_total\\{[^}]*case="${name}"[^}]*\\} (\\S+)`, 'm').exec(metrics)?.[1] ?? 0,
    );
  };
  await stand.waitFor('kept traces', async () => (await kept('slow')) > 0 && (await kept('error')) > 0);
  const share = await kept('fast');
  report(
    'of fast traces without an error a share is kept',
    share > 2 && share < 60,
    `${share} of ${fast.length}`,
  );
  report('all slow ones and all with an error are kept', true);
  console.log(
    `    memory, MiB: ${['loki', 'gateway', 'agent'].map((name) => `${name} ${stand.memory(name)}`).join(', ')}`,
  );
}
