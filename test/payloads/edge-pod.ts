import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { edgePayloads, type EdgePayloadProps } from '../../constructs/bridge-edge/payloads';
import { renderPayload } from '../../constructs/platform/config-files';

const run = promisify(execFile);
const FOLDER = join(process.env['LIGHTHOUSE_ROOT'] ?? process.cwd(), 'constructs', 'bridge-edge');
const APPLETS = 'sh cat cmp echo grep kill nc printf seq'.split(' ');

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Question extends Pick<RequestOptions, 'method' | 'headers' | 'localAddress' | 'agent'> {
  readonly body?: string;
  /** Folder of a client's certificate (`client.crt`, `client.key`). */
  readonly certificate?: string;
}

/** A pod of the edge on loopback: the real files, with other folders and ports, run by the real HAProxy. */
export class EdgePod {
  readonly lines: string[] = [];
  private child: ChildProcess | undefined;

  constructor(
    private readonly folder: string,
    readonly props: EdgePayloadProps,
    dnsPort: number,
    certificates: string,
  ) {
    for (const each of ['bin', 'config', 'tls', 'trust', 'mode', 'run/haproxy']) {
      mkdirSync(join(folder, each), { recursive: true });
    }
    for (const applet of APPLETS) symlinkSync('/usr/bin/busybox', join(folder, 'bin', applet));
    symlinkSync('/usr/sbin/haproxy', join(folder, 'bin', 'haproxy'));
    const copy = (file: string, to: string) =>
      writeFileSync(join(folder, to), readFileSync(join(certificates, file)));
    copy('server.crt', 'tls/tls.crt');
    copy('server.key', 'tls/tls.key');
    copy('ca.crt', 'trust/ca.crt');
    writeFileSync(join(folder, 'run/haproxy/mode.map'), 'mode normal\n');
    const { files, generated } = edgePayloads(props);
    const rendered = Object.entries(files).map(
      ([file, holes]) => [file, renderPayload(join(FOLDER, file), holes)] as const,
    );
    for (const [file, text] of [...rendered, ...Object.entries(generated)]) {
      const here = text
        .replaceAll(/(?<![\w.])\/(tls|trust|config|mode|run\/haproxy)\//g, `${folder}/$1/`)
        .replaceAll('bind :', 'bind 127.0.0.1:')
        .replace('parse-resolv-conf', `nameserver test 127.0.0.1:${dnsPort}`);
      writeFileSync(join(folder, 'config', file), here);
    }
  }

  /** What HAProxy says of its configuration; rejected where it is more than that it is valid. */
  async verify(): Promise<string> {
    const { stdout, stderr } = await run('haproxy', [
      '-c',
      '-dW',
      '-f',
      join(this.folder, 'config/haproxy.cfg'),
    ]);
    return stdout + stderr;
  }

  start(): void {
    this.child = spawn(join(this.folder, 'bin/sh'), [join(this.folder, 'config/start-haproxy.sh')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.env,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      let rest = '';
      stream?.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        this.lines.push(...lines);
      });
    }
  }

  /** Runs one of its scripts, as a probe or a person does; its output. */
  async script(file: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(join(this.folder, 'bin/sh'), [join(this.folder, 'config', file), ...args], {
      env: this.env,
      timeout: 10_000,
    });
    return stdout.trim();
  }

  /** Writes one of the files that are mounted. */
  mount(file: string, content: string | Buffer): void {
    writeFileSync(join(this.folder, file), content);
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Whether it has ended by itself; resolves then, or after the time. */
  async ended(milliseconds: number): Promise<boolean> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return true;
    const end = new Promise<boolean>((resolve) => child.once('exit', () => resolve(true)));
    return Promise.race([end, sleep(milliseconds, false, { ref: false })]);
  }

  async stop(): Promise<void> {
    if (this.child === undefined) return;
    this.signal('SIGTERM');
    if (!(await this.ended(3000))) this.signal('SIGKILL');
  }

  /** As the kubelet starts a container again: what its pod holds in memory stays. */
  async restart(): Promise<void> {
    await this.stop();
    this.start();
  }

  async ask(path: string, question: Question = {}): Promise<Answer> {
    const { body, certificate, headers, ...rest } = question;
    return new Promise<Answer>((resolve, reject) => {
      const sent = request(
        {
          ...rest,
          ...(certificate === undefined ? {} : clientFiles(certificate)),
          host: '127.0.0.1',
          port: this.props.ports.https,
          path,
          rejectUnauthorized: false,
          headers: {
            ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
            ...headers,
          },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          );
        },
      );
      sent.on('error', reject).end(body);
    });
  }

  /** A connection with TLS and nothing said yet. */
  async dial(localAddress = '127.0.0.1'): Promise<TLSSocket> {
    const socket = connect({
      socket: dial({ host: '127.0.0.1', port: this.props.ports.https, localAddress }),
      rejectUnauthorized: false,
    });
    socket.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('close', () => reject(new Error('closed')));
    });
    return socket;
  }

  /** What its other port says. */
  async inside(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.props.ports.http}${path}`);
    return response.text();
  }

  /** Pods of the bridge that it holds to be up. */
  async up(backend: 'bridge' | 'sockets' = 'bridge'): Promise<number> {
    const metrics = await this.inside('/metrics').catch(() => '');
    const state = new RegExp(`^haproxy_server_status\\{proxy="${backend}",.*state="UP"\\} 1$`, 'gm');
    return [...metrics.matchAll(state)].length;
  }

  /** The mode that its metrics tell of; several where they tell of several. */
  async modes(): Promise<string> {
    const metrics = await this.inside('/metrics');
    const up = /^haproxy_server_status\{proxy="mode",server="([a-z-]+)",state="UP"\} 1$/gm;
    return [...metrics.matchAll(up)].map(([, mode]) => mode).join(' ');
  }

  private get env() {
    return { PATH: join(this.folder, 'bin') };
  }
}

function clientFiles(folder: string) {
  return { cert: readFileSync(join(folder, 'client.crt')), key: readFileSync(join(folder, 'client.key')) };
}
