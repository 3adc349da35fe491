/**
 * A group of Redis as redis-sentinel's payload files make it, in real programs: members and a proxy, each in a network and mount
 * namespace of its own, with BusyBox as its shell, its own address, DNS names and TLS. Needs root, like CI's runner has.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { renderPayload } from '../../constructs/platform/config-files';
import {
  type MemberPayloadProps,
  memberPayloads,
  type ProxyPayloadProps,
  proxyPayloads,
} from '../../constructs/redis-sentinel/payloads';
import { Authority } from '../../guarantees/certificates/authority';

export type RedisPayloadProps = MemberPayloadProps & ProxyPayloadProps;

const run = promisify(execFile);
const FOLDER = join(process.env['LIGHTHOUSE_ROOT'] ?? process.cwd(), 'constructs', 'redis-sentinel');
const DOMAIN = 'redis-members.test.svc.cluster.local';
/** Whom its certificate names. */
export const NAMES = [DOMAIN, `*.${DOMAIN}`];
const APPLETS =
  'sh awk cat cmp cut date echo grep head hostname mv nc printf sed sha1sum sha256sum sleep sort sync timeout tr';
const PACKAGES = {
  '/usr/bin/redis-server': 'redis-server',
  '/usr/bin/redis-sentinel': 'redis-sentinel',
  '/usr/bin/redis-cli': 'redis-tools',
  '/usr/sbin/haproxy': 'haproxy',
  '/usr/bin/busybox': 'busybox',
  '/usr/bin/openssl': 'openssl',
  '/usr/sbin/ip': 'iproute2',
};
const ENV = { PATH: '/bin:/usr/bin:/usr/sbin' };
export const USERS = ['replication', 'sentinel', 'probe', 'exporter', 'bridge'];

/** A network of pods: a bridge, DNS for their names, and a certificate authority. */
export class Network {
  readonly folder = mkdtempSync(join(tmpdir(), 'redis-payloads-'));
  readonly authority = new Authority('test-ca');
  /** RFC 2544's range for tests. */
  readonly prefix = `198.18.${process.pid % 250}`;
  readonly bridge = `lh${process.pid}`;
  readonly records = new Map<string, string>();
  private readonly dns: Socket = createSocket('udp4');
  private address = 10;

  /** @throws Error where a program is missing, or whoever runs this is not root */
  static async open(): Promise<Network> {
    const missing = Object.entries(PACKAGES).filter(([file]) => !existsSync(file));
    if (missing.length > 0) throw new Error(`apt-get install ${missing.map(([, name]) => name).join(' ')}`);
    if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
    const network = new Network();
    try {
      await network.connect();
      network.issue();
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  private async connect(): Promise<void> {
    await run('ip', ['link', 'add', this.bridge, 'type', 'bridge']);
    await run('ip', ['addr', 'add', `${this.prefix}.1/24`, 'dev', this.bridge]);
    await run('ip', ['link', 'set', this.bridge, 'up']);
    this.dns.on('message', (query, peer) => this.dns.send(this.answer(query), peer.port, peer.address));
    await new Promise<void>((resolve) => this.dns.bind(53, `${this.prefix}.1`, resolve));
  }

  async close(): Promise<void> {
    this.dns.close();
    await run('ip', ['link', 'del', this.bridge]).catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An address nobody had before. */
  next(): string {
    this.address += 1;
    return `${this.prefix}.${this.address}`;
  }

  /** What CoreDNS says for pods of a headless Service. */
  private answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const isA = query.readUInt16BE(at + 1) === 1;
    const name = labels.join('.').toLowerCase();
    const found = [...this.records].filter(
      ([host]) => host === name || (name === DOMAIN && host.endsWith(DOMAIN)),
    );
    const answers = isA ? found : [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(found.length > 0 ? 0x8580 : 0x8583, 2);
    header.writeUInt32BE((1 << 16) | answers.length, 4);
    header.writeUInt32BE(0, 8);
    const addresses = answers.map(([, ip]) =>
      Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...ip.split('.').map(Number)]),
    );
    return Buffer.concat([header, query.subarray(12, at + 5), ...addresses]);
  }

  private issue(): void {
    writeFileSync(join(this.folder, 'ca.crt'), this.authority.certificate);
    this.authority.write(join(this.folder, 'tls'), 'redis', { names: NAMES });
  }
}

/** A pod: a root of its own made of the machine's programs, the rendered files at /config, an address and a name. */
export class Pod {
  readonly root: string;
  readonly namespace: string;
  private readonly veth: string;
  private readonly children = new Map<string, ChildProcess>();
  ip = '';

  constructor(
    private readonly network: Network,
    readonly name: string,
    props: RedisPayloadProps,
    private readonly uid = 999,
    private readonly gid = 1000,
  ) {
    this.root = join(network.folder, name);
    this.namespace = `${network.bridge}-${name}`;
    this.veth = `v${process.pid}-${name.slice(-2)}`;
    for (const folder of [
      'bin',
      'config',
      'data',
      'dev',
      'etc',
      'proc',
      'secrets',
      'tls',
      'trust',
      'tmp',
      'usr',
    ]) {
      mkdirSync(join(this.root, folder), { recursive: true });
    }
    for (const folder of ['lib', 'lib64']) symlinkSync(`usr/${folder}`, join(this.root, folder));
    for (const applet of APPLETS.split(' ')) symlinkSync('/usr/bin/busybox', join(this.root, 'bin', applet));
    for (const folder of ['run/redis', 'run/sentinel', 'run/haproxy']) {
      mkdirSync(join(this.root, folder), { recursive: true });
    }
    for (const folder of ['data', 'run/redis', 'run/sentinel', 'run/haproxy']) {
      chownSync(join(this.root, folder), uid, gid);
    }
    for (const [file, holes] of Object.entries({ ...memberPayloads(props), ...proxyPayloads(props) })) {
      writeFileSync(join(this.root, 'config', file), renderPayload(join(FOLDER, file), holes));
      chmodSync(join(this.root, 'config', file), 0o555);
    }
    for (const secret of USERS) writeFileSync(join(this.root, 'secrets', secret), password(secret));
    for (const file of ['tls.crt', 'tls.key']) {
      const path = join(this.root, 'tls', file);
      writeFileSync(path, readFileSync(join(network.folder, file)));
      // As the kubelet leaves it: a copy that keeps this mode cannot be written again when a container restarts.
      chownSync(path, 0, gid);
      chmodSync(path, 0o440);
    }
    writeFileSync(join(this.root, 'trust', 'ca.crt'), readFileSync(join(network.folder, 'ca.crt')));
    writeFileSync(
      join(this.root, 'etc', 'resolv.conf'),
      `nameserver ${network.prefix}.1\noptions timeout:1 attempts:2\n`,
    );
    writeFileSync(join(this.root, 'etc', 'nsswitch.conf'), 'hosts: dns\n');
  }

  get host(): string {
    return `${this.name}.${DOMAIN}`;
  }

  /** Gives the pod a network, with another address at each call, as a rescheduled pod gets. */
  async attach(): Promise<void> {
    this.ip = this.network.next();
    const inside = ['netns', 'exec', this.namespace, 'ip'];
    if (!existsSync(join('/var/run/netns', this.namespace))) {
      await run('ip', ['netns', 'add', this.namespace]);
      await run('ip', [
        'link',
        'add',
        this.veth,
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        this.namespace,
      ]);
      await run('ip', ['link', 'set', this.veth, 'master', this.network.bridge, 'up']);
      await run('ip', [...inside, 'link', 'set', 'lo', 'up']);
    }
    await run('ip', [...inside, 'addr', 'flush', 'dev', 'eth0']);
    await run('ip', [...inside, 'addr', 'add', `${this.ip}/24`, 'dev', 'eth0']);
    await run('ip', [...inside, 'link', 'set', 'eth0', 'up']);
    if (this.name !== 'proxy') this.network.records.set(this.host, this.ip);
  }

  /** Cuts the pod off, or joins it again. */
  async link(state: 'up' | 'down'): Promise<void> {
    await run('ip', ['link', 'set', this.veth, state]);
  }

  start(container: 'redis' | 'sentinel' | 'haproxy'): void {
    const [command, ...args] = this.command([`/config/start-${container}.sh`]);
    const child = spawn(command ?? '', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: ENV,
    });
    const log = (chunk: Buffer) => writeFileSync(this.log(container), chunk, { flag: 'a' });
    child.stdout.on('data', log);
    child.stderr.on('data', log);
    this.children.set(container, child);
  }

  /** Signals a container's process; after SIGKILL it is gone when this returns. */
  async signal(signal: NodeJS.Signals, ...containers: string[]): Promise<void> {
    for (const container of containers) {
      const child = this.children.get(container);
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended;
    }
  }

  /** Whether a script, as a probe or a hook, succeeds in the pod. */
  async exec(...script: string[]): Promise<boolean> {
    const [command, ...args] = this.command(script);
    return run(command ?? '', args, { env: ENV, timeout: 30_000 }).then(
      () => true,
      () => false,
    );
  }

  async output(...script: string[]): Promise<string> {
    const [command, ...args] = this.command(script);
    const { stdout, stderr } = await run(command ?? '', args, {
      env: ENV,
    }).catch((error: { stdout: string; stderr: string }) => error);
    return stdout + stderr;
  }

  /** Every file below one of the pod's folders. */
  files(folder: string): string[] {
    const entries = readdirSync(join(this.root, folder), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }

  /** What other processes of the machine can read of the pod's. */
  processFiles(): string[] {
    return [...this.children.values()].flatMap(({ pid }) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  }

  /** Empties a folder's folders, as a memory volume is when its pod ends. */
  clear(folder: string): void {
    for (const file of this.files(folder)) rmSync(file);
  }

  log(container: string): string {
    return join(this.network.folder, `${this.name}-${container}.log`);
  }

  async remove(): Promise<void> {
    await this.signal('SIGCONT', ...this.children.keys());
    await this.signal('SIGKILL', ...this.children.keys());
    await run('ip', ['netns', 'del', this.namespace]).catch(() => undefined);
    await run('ip', ['link', 'del', this.veth]).catch(() => undefined);
  }

  /** `exec` all the way down, so that the child's process id is the program's own. The root is read-only. */
  private command(script: string[]): string[] {
    const inside = `
      hostname ${this.name}
      mount --bind ${this.root} ${this.root}
      cd ${this.root}
      mount --bind /usr usr; mount --bind /proc proc; mount --rbind /dev dev
      for folder in data run; do mount --bind $folder $folder; done
      mount -o remount,ro,bind ${this.root}
      exec chroot --userspec=${this.uid}:${this.gid} . "$@"`;
    return ['ip', 'netns', 'exec', this.namespace, 'unshare', '-mu', 'sh', '-ec', inside, 'sh', ...script];
  }
}

/** A client of the Redis protocol: one command at a time, over TLS. */
export class Client {
  private constructor(private readonly socket: TLSSocket) {}

  static async open(network: Network, ip: string, user: string, port = 6379): Promise<Client> {
    const file = (name: string) => readFileSync(join(network.folder, name));
    const socket = connect({
      host: ip,
      port,
      ca: file('ca.crt'),
      cert: file('tls.crt'),
      key: file('tls.key'),
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => undefined);
    await within(2000, (resolve, reject) => {
      socket.once('secureConnect', () => resolve(''));
      socket.once('close', () => reject(new Error('closed')));
    }).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    const client = new Client(socket);
    const reply = await client.send('AUTH', user, password(user));
    if (!reply.startsWith('+OK')) throw new Error(reply);
    return client;
  }

  /** The raw reply; the commands used here answer in one piece. */
  send(...command: string[]): Promise<string> {
    const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.socket.write(`*${command.length}\r\n${words.join('')}`);
    return within(2000, (resolve, reject) => {
      this.socket.removeAllListeners('data').removeAllListeners('close');
      this.socket.once('data', (data) => resolve(data.toString()));
      this.socket.once('close', () => reject(new Error('closed')));
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Writes 1, 2, 3 … into a set through the proxy, as an application does, and remembers what was acknowledged. */
export class Writer {
  /** Acknowledged by the master. */
  readonly accepted: number[] = [];
  /** Of these, confirmed by a replica as well. */
  readonly confirmed: number[] = [];
  private gap = 0;
  private stopped = false;
  private done: Promise<void> = Promise.resolve();

  static async start(group: Group, key: string): Promise<Writer> {
    const writer = new Writer();
    writer.done = writer.loop(group, key);
    await until(5000, 'first writes', () => Promise.resolve(writer.accepted.length > 20));
    return writer;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.done;
  }

  /** The longest time without an acknowledged write since the last call. */
  takeGap(): number {
    const { gap } = this;
    this.gap = 0;
    return gap;
  }

  private async loop({ network, proxy, pods }: Group, key: string): Promise<void> {
    let client: Client | undefined;
    let last = Date.now();
    for (let value = 1; !this.stopped; value += 1) {
      try {
        client ??= await Client.open(network, proxy.ip, 'bridge');
        if ((await client.send('SADD', key, String(value))).startsWith(':1')) {
          this.accepted.push(value);
          this.gap = Math.max(this.gap, Date.now() - last);
          last = Date.now();
          if (pods.length > 1 && /^:[1-9]/.test(await client.send('WAIT', '1', '500')))
            this.confirmed.push(value);
        }
      } catch {
        client?.close();
        client = undefined;
      }
      await sleep(5);
    }
    client?.close();
  }
}

/** Three members and a proxy in front. */
export class Group {
  readonly pods: Pod[];
  readonly proxy: Pod;

  constructor(
    readonly network: Network,
    members: number,
    purpose: RedisPayloadProps['purpose'],
  ) {
    const props: RedisPayloadProps = {
      name: 'redis',
      domain: DOMAIN,
      members,
      purpose,
      maxmemory: '40mb',
      users: [{ name: 'bridge', keys: ['bridge:*'], commands: ['+@all', '-@admin', '-@dangerous', '+wait'] }],
      maxConnections: 500,
    };
    this.pods = Array.from({ length: members }, (_, ordinal) => new Pod(network, `redis-${ordinal}`, props));
    this.proxy = new Pod(network, 'proxy', props, 99, 99);
  }

  async start(): Promise<number> {
    for (const pod of [...this.pods, this.proxy]) await pod.attach();
    for (const pod of this.pods) this.startPod(pod);
    this.proxy.start('haproxy');
    return this.ready(30_000);
  }

  startPod(pod: Pod): void {
    pod.start('sentinel');
    pod.start('redis');
  }

  /** The members a client may not tell apart: who says it is the master, of those who answer. */
  async masters(): Promise<Pod[]> {
    const roles = await Promise.all(this.pods.map((pod) => this.ask(pod, 'probe', 'INFO', 'replication')));
    return this.pods.filter((_, index) => roles[index]?.includes('role:master'));
  }

  async master(): Promise<Pod> {
    const [master, ...others] = await this.masters();
    if (master === undefined || others.length > 0)
      throw new Error(`${others.length + (master ? 1 : 0)} masters`);
    return master;
  }

  /** One command to one member; the error's text where there is no reply. */
  async ask(pod: Pod, user: string, ...command: string[]): Promise<string> {
    try {
      const client = await Client.open(this.network, pod.ip, user);
      return await client.send(...command).finally(() => client.close());
    } catch (error) {
      return String(error);
    }
  }

  /** Until every probe succeeds and the proxy has a master; the time it took. */
  ready(limit: number): Promise<number> {
    return until(limit, 'all ready', async () => {
      const scripts = ['/config/ready-redis.sh', '/config/ready-sentinel.sh'];
      const probes = this.pods.flatMap((pod) => scripts.map((script) => pod.exec(script)));
      const answers = await Promise.all([...probes, this.proxied()]);
      return answers.every(Boolean);
    });
  }

  async proxied(): Promise<boolean> {
    return (await this.ask(this.proxy, 'bridge', 'PING')) === '+PONG\r\n';
  }

  /** Until a majority of Sentinels knows another master than this one; the time it took. */
  replaced(old: Pod): Promise<number> {
    return until(60_000, 'another master', async () => {
      const others = this.pods.filter((pod) => pod !== old);
      const names = await Promise.all(others.map((pod) => this.elected(pod)));
      return names.every((name) => name !== undefined && name !== old.host);
    });
  }

  /** Until the application's writes go on. */
  async flows(writer: Writer): Promise<void> {
    const before = writer.accepted.length;
    await until(15_000, 'writes go on', () => Promise.resolve(writer.accepted.length > before + 20));
  }

  /** How many of these values are not in the set. */
  async lost(key: string, values: readonly number[]): Promise<number> {
    const client = await Client.open(this.network, this.proxy.ip, 'bridge');
    let lost = 0;
    for (const value of values) {
      if (!(await client.send('SISMEMBER', key, String(value))).startsWith(':1')) lost += 1;
    }
    client.close();
    return lost;
  }

  /** The last lines of every log. */
  async logs(): Promise<string> {
    const files = [...this.pods, this.proxy].flatMap((pod) =>
      ['redis', 'sentinel', 'haproxy'].map((name) => pod.log(name)),
    );
    const tails = files
      .filter((file) => existsSync(file))
      .map((file) => run('tail', ['-v', '-n', process.env['LINES'] ?? '15', file]));
    return (await Promise.all(tails)).map(({ stdout }) => stdout).join('\n');
  }

  /** The master's host name, as the pod's Sentinel knows it. */
  private async elected(pod: Pod): Promise<string | undefined> {
    try {
      const client = await Client.open(this.network, pod.ip, 'probe', 26379);
      const reply = await client
        .send('SENTINEL', 'get-master-addr-by-name', 'redis')
        .finally(() => client.close());
      return reply.split('\r\n')[2];
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.pods, this.proxy].map((pod) => pod.remove()));
    this.network.records.clear();
  }
}

export function password(user: string): string {
  return `secret-of-${user}`;
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Polls until the condition holds; the time it took. */
export async function until(limit: number, name: string, condition: () => Promise<boolean>): Promise<number> {
  const start = Date.now();
  while (!(await condition())) {
    if (Date.now() - start > limit) throw new Error(`not within ${seconds(limit)}: ${name}`);
    await sleep(100);
  }
  return Date.now() - start;
}

async function within<T>(
  limit: number,
  executor: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds(limit)}`)), limit);
  });
  return Promise.race([new Promise<T>(executor), late]).finally(() => clearTimeout(timer));
}
