import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAll } from 'js-yaml';
import type { Cluster } from '../../acceptance/cluster';
import { freePort } from '../../acceptance/free-port';
import { run } from '../../acceptance/kubectl';
import type { Paths } from '../../acceptance/programs';
import { Sandbox } from '../../acceptance/sandbox';
import type { Manifest } from '../../constructs/platform/manifest';
import { OPERATORS } from '../../constructs/platform-operators/operators';
import { Authority } from '../../guarantees/certificates/authority';
import { definitionTexts, fetchModule } from '../imports/fetch';
import { CUSTOM_RESOURCES } from '../imports/sources';

/** Where Kyverno listens; nothing else here does. */
const KYVERNO = { host: '127.0.0.17', port: 9443 } as const;

/** Seconds that each has to come up. */
const START_SECONDS = 60;

/** All definitions of Kyverno: it watches its other kinds too. */
export function definitions(): Manifest[] {
  const source = CUSTOM_RESOURCES.find(({ module }) => module === 'github.com/kyverno/kyverno');
  if (!source) throw new Error('there is no source of the definitions of Kyverno');
  const archive = fetchModule(source);
  return ['kyverno', 'policies.kyverno.io', 'policyreport', 'reports']
    .flatMap((folder) =>
      definitionTexts({ ...source, folder: `config/crds/${folder}`, file: '.yaml' }, archive),
    )
    .flatMap((text) => loadAll(text) as (Manifest | null)[])
    .filter((manifest): manifest is Manifest => manifest?.kind === 'CustomResourceDefinition');
}

export async function until(
  what: string,
  holds: () => Promise<boolean>,
  seconds = START_SECONDS,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(200);
  }
}

/**
 * A registry on loopback, and whoever pushes and signs what is in it. They come in by a door of their own; everybody else must
 * log in.
 */
export class Registry {
  /** What a Docker client keeps of a login. */
  readonly login: string;
  private readonly server: Server;

  private constructor(
    private readonly sandbox: Sandbox,
    private readonly programs: Paths<'crane' | 'cosign'>,
    private readonly inside: number,
    private readonly port: number,
  ) {
    const auth = Buffer.from(`kyverno:${randomUUID()}`).toString('base64');
    this.login = JSON.stringify({ auths: { [`127.0.0.1:${port}`]: { auth } } });
    this.server = createServer((incoming, outgoing) => {
      const { method, url: path, headers } = incoming;
      if (headers.authorization !== `Basic ${auth}`) {
        outgoing.writeHead(401, { 'www-authenticate': 'Basic realm="images"' }).end();
        return;
      }
      const forwarded = request({ host: '127.0.0.1', port: inside, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.writeHead(502).end());
      incoming.pipe(forwarded);
    });
  }

  static async start(sandbox: Sandbox, programs: Paths<'crane' | 'cosign'>): Promise<Registry> {
    const [inside, port] = [await freePort(), await freePort()];
    sandbox.start('registry', programs.crane, ['registry', 'serve', '--address', `127.0.0.1:${inside}`]);
    await until('the registry answers', async () => (await fetch(`http://127.0.0.1:${inside}/v2/`)).ok);
    const registry = new Registry(sandbox, programs, inside, port);
    await registry.open();
    return registry;
  }

  open(): Promise<void> {
    return new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
  }

  /** Nobody gets in any more, nor is answered who is in. */
  close(): Promise<void> {
    return new Promise((done) => {
      this.server.close(() => done());
      this.server.closeAllConnections();
    });
  }

  /** The name of a repository, for whoever logs in. */
  repository(name: string): string {
    return `127.0.0.1:${this.port}/lighthouse/${name}`;
  }

  /** The same image for whoever pushes and signs. */
  private within(image: string): string {
    return image.replace(`:${this.port}/`, `:${this.inside}/`);
  }

  /** Pushes an image that is like no other under a tag. @returns its digest */
  async push(reference: string, content: string): Promise<string> {
    const layer = join(this.sandbox.folder, 'layer');
    writeFileSync(layer, content);
    await this.do('/usr/bin/env', ['tar', '-C', this.sandbox.folder, '-cf', `${layer}.tar`, 'layer']);
    await this.do(this.programs.crane, ['append', '-f', `${layer}.tar`, '-t', this.within(reference)]);
    return (await this.do(this.programs.crane, ['digest', this.within(reference)])).trim();
  }

  /** Copies whatever is called so to another name. */
  async copy(from: string, to: string): Promise<void> {
    await this.do(this.programs.crane, ['copy', this.within(from), this.within(to)]);
  }

  /** Makes a key. @returns its public half */
  async key(name: string): Promise<string> {
    await this.do(this.programs.cosign, ['generate-key-pair', '--output-key-prefix', name]);
    return readFileSync(join(this.sandbox.folder, `${name}.pub`), 'utf8');
  }

  /** Makes a key with a certificate, as somebody has for a moment who signs by an identity. */
  async certifiedKey(name: string): Promise<void> {
    const from = join(this.sandbox.folder, `${name}-made`);
    new Authority().write(from, name, { names: ['somebody.example.com'] });
    await this.do(this.programs.cosign, [
      ...['import-key-pair', '--key', `${from}.key`, '--output-key-prefix', name],
    ]);
  }

  /** Signs an image with a key: in the old format, a tag beside the image; as a bundle that refers to it; one with a certificate. */
  async sign(image: string, key: string, format: Format): Promise<void> {
    await this.do(this.programs.cosign, [
      ...['sign', '--yes', '--key', `${key}.key`, '--use-signing-config=false', '--tlog-upload=false'],
      ...(format === 'certificate' ? ['--certificate', `${key}-made.crt`] : []),
      ...[`--new-bundle-format=${format !== 'tag'}`, this.within(image)],
    ]);
  }

  private async do(program: string, args: readonly string[]): Promise<string> {
    const environment = [`HOME=${this.sandbox.folder}`, 'COSIGN_PASSWORD='];
    const { status, stdout, stderr } = await run('/usr/bin/env', [
      ...['-C', this.sandbox.folder, ...environment, program],
      ...args,
    ]);
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  }
}

/** How a signature is kept. */
export type Format = 'tag' | 'bundle' | 'certificate';

/** Kyverno as a process, to which the API server is led on loopback. */
export class Kyverno {
  private process;

  constructor(
    private readonly sandbox: Sandbox,
    private readonly program: string,
    private readonly kubeconfig: string,
  ) {
    this.process = this.start();
  }

  private start() {
    const { namespace } = OPERATORS.kyverno;
    const address = `${KYVERNO.host}:${KYVERNO.port}`;
    return this.sandbox.start('kyverno', '/usr/bin/env', [
      `HOME=${this.sandbox.folder}`,
      `KYVERNO_NAMESPACE=${namespace}`,
      // As its chart calls them; nothing of these names is here.
      ...['DEPLOYMENT', 'SERVICEACCOUNT_NAME'].map((name) => `KYVERNO_${name}=kyverno-admission-controller`),
      ...[
        'KYVERNO_POD_NAME=kyverno',
        'KYVERNO_SVC=kyverno-svc',
        'KYVERNO_ROLE_NAME=kyverno:admission-controller',
      ],
      ...['INIT_CONFIG=kyverno', 'METRICS_CONFIG=kyverno-metrics'],
      this.program,
      `--kubeconfig=${this.kubeconfig}`,
      `--serverIP=${address}`,
      ...[`--webhookServerHost=${KYVERNO.host}`, `--webhookServerPort=${KYVERNO.port}`],
      ...[`--caSecretName=${namespace}.ca`, `--tlsSecretName=${namespace}.tls`],
      ...['--disableMetrics=true', '--controllerRuntimeMetricsAddress=0', '--admissionReports=false'],
    ]);
  }

  /** MiB that it has resident. */
  get resident(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }

  /** Waits until it has told the API server what to ask it. */
  async ready(cluster: Cluster): Promise<void> {
    await until('Kyverno is asked of policies', async () => {
      const found = await cluster.list('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration');
      return found.some(({ metadata }) => metadata.name === 'kyverno-policy-validating-webhook-cfg');
    });
  }

  stop(): void {
    this.process.kill('SIGKILL');
  }
}
