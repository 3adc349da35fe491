/** Weaviate as the vector-database construct runs it, on loopback, and an identity provider that has nothing but its keys. */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, EnvVar } from '../../imports/k8s';
import type { Authority } from '../../guarantees/certificates/authority';
import { freePort } from '../../acceptance/free-port';

const encoded = (value: object | Buffer): string =>
  (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))).toString('base64url');

/** What a token says; what is not given is as the provider says it for everybody. */
export type Claims = Readonly<Record<string, unknown>>;

/** Signs tokens, and answers for its keys as long as it is there. */
export class Provider {
  readonly issuer = 'https://sso.example.com/realms/lighthouse';
  /** How often it was asked for its keys. */
  asked = 0;
  private readonly pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  private server?: Server;

  constructor(
    private readonly port: number,
    private readonly tls: { readonly certificate: string; readonly key: string },
  ) {}

  get keys(): string {
    return `https://127.0.0.1:${this.port}/keys`;
  }

  async open(): Promise<void> {
    const jwk = { ...this.pair.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' };
    this.server = createServer({ cert: this.tls.certificate, key: this.tls.key }, (_, response) => {
      this.asked += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async close(): Promise<void> {
    if (!this.server) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    this.server = undefined;
  }

  token(claims: Claims, key: KeyObject | 'none' = this.pair.privateKey): string {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: this.issuer, aud: 'weaviate', iat: now, exp: now + 300 };
    const header = key === 'none' ? { alg: 'none' } : { alg: 'RS256', kid: 'one', typ: 'JWT' };
    const text = `${encoded(header)}.${encoded({ ...usual, ...claims })}`;
    return `${text}.${key === 'none' ? '' : encoded(sign('sha256', Buffer.from(text), key))}`;
  }
}

/** What somebody is answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Seconds for a start; a member of one elects itself. */
const START_SECONDS = 60;

/** One member, made of the container that the construct prints. */
export class Weaviate {
  readonly port: number;
  /** What it says of itself. */
  readonly log: string;
  private readonly values = new Map<string, string>();
  private readonly env: Readonly<Record<string, string>>;
  private process?: ChildProcess;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    private readonly authority: Authority,
    container: Container,
    ports: Readonly<Record<'https' | 'grpc' | 'gossip' | 'data' | 'raft' | 'rpc', number>>,
  ) {
    this.port = ports.https;
    this.log = join(folder, 'log');
    mkdirSync(join(folder, 'data'));
    authority.write(join(folder, 'tls'), 'weaviate', { names: ['localhost', '127.0.0.1'] });
    writeFileSync(join(folder, 'ca.crt'), authority.certificate);
    const printed = Object.fromEntries((container.env ?? []).map((each) => [each.name, this.valueOf(each)]));
    this.env = {
      ...printed,
      // Where it is, and nothing of who it lets in.
      CLUSTER_HOSTNAME: printed['RAFT_JOIN'] ?? '',
      CLUSTER_JOIN: `127.0.0.1:${ports.gossip}`,
      CLUSTER_ADVERTISE_ADDR: '127.0.0.1',
      CLUSTER_BIND_ADDR: '127.0.0.1',
      CLUSTER_GOSSIP_BIND_PORT: String(ports.gossip),
      CLUSTER_DATA_BIND_PORT: String(ports.data),
      RAFT_PORT: String(ports.raft),
      RAFT_INTERNAL_RPC_PORT: String(ports.rpc),
      GRPC_PORT: String(ports.grpc),
      GRPC_CERT_FILE: join(folder, 'tls.crt'),
      GRPC_KEY_FILE: join(folder, 'tls.key'),
      PERSISTENCE_DATA_PATH: join(folder, 'data'),
      PROMETHEUS_MONITORING_ENABLED: 'false',
      SSL_CERT_FILE: join(folder, 'ca.crt'),
    };
  }

  static async of(
    program: string,
    folder: string,
    authority: Authority,
    container: Container,
  ): Promise<Weaviate> {
    const ports = {
      https: await freePort(),
      grpc: await freePort(),
      gossip: await freePort(),
      data: await freePort(),
      raft: await freePort(),
      rpc: await freePort(),
    };
    return new Weaviate(program, folder, authority, container, ports);
  }

  /** A key, by the Secret that it is in. */
  key(secret: string): string {
    const known = this.values.get(secret) ?? randomBytes(24).toString('hex');
    this.values.set(secret, known);
    return known;
  }

  /**
   * Starts it, and waits until it answers.
   * @returns false where it ended instead
   */
  async start(changes: Readonly<Record<string, string>> = {}): Promise<boolean> {
    const args = [
      ...['--scheme=https', '--tls-host=127.0.0.1', `--tls-port=${this.port}`],
      `--tls-certificate=${join(this.folder, 'tls.crt')}`,
      `--tls-key=${join(this.folder, 'tls.key')}`,
    ];
    const env = Object.entries({ ...this.env, ...changes }).filter(([, value]) => value !== '');
    const log = createWriteStream(this.log);
    const child = spawn(this.program, args, {
      cwd: this.folder,
      env: Object.fromEntries(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.process = child;
    for (let second = 0; second < START_SECONDS && child.exitCode === null; second += 0.5) {
      if ((await this.ask('', 'GET', '/v1/.well-known/live')).status === 200) return true;
      await sleep(500);
    }
    await this.stop();
    return false;
  }

  async stop(): Promise<void> {
    const child = this.process;
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    this.process = undefined;
  }

  /** The answer to somebody with a key or a token; status 0 where nobody answers. */
  ask(bearer: string, method: string, path: string, body?: object): Promise<Answer> {
    return new Promise((done) => {
      const headers = {
        'content-type': 'application/json',
        ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
      };
      const place = { host: '127.0.0.1', port: this.port, ca: this.authority.certificate, agent: false };
      const sent = request({ ...place, method, path, headers, timeout: 30_000 }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => done({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', () => done({ status: 0, text: '' }));
      sent.end(body && JSON.stringify(body));
    });
  }

  said(): string {
    return readFileSync(this.log, 'utf8');
  }

  /** A value as the kubelet makes it: Secrets that it reads, and `$(NAME)` of those before. */
  private valueOf({ name, value, valueFrom }: EnvVar): string {
    const secret = valueFrom?.secretKeyRef?.name;
    const text =
      secret === undefined
        ? (value ?? '').replace(/\$\((\w+)\)/g, (_, other: string) => this.values.get(`$${other}`) ?? '')
        : this.key(secret);
    this.values.set(`$${name}`, text);
    return text;
  }
}
