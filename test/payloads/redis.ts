/**
 * Runs the real payload files of the redis-sentinel construct through real programs: three members and a proxy, each in
 * a network and mount namespace of its own, with BusyBox as its shell, its own address, DNS names and TLS.
 * Needs root, like CI's runner has.
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
import type { Report } from './report';

type RedisPayloadProps = MemberPayloadProps & ProxyPayloadProps;

const run = promisify(execFile);
const FOLDER = join(process.env['LIGHTHOUSE_ROOT'] ?? process.cwd(), 'constructs', 'redis-sentinel');
const DOMAIN = 'redis-members.test.svc.cluster.local';
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
const USERS = ['replication', 'sentinel', 'probe', 'exporter', 'bridge'];

/** A network of pods: a bridge, DNS for their names, and a certificate authority. */
class Network {
  readonly folder = mkdtempSync(join(tmpdir(), 'redis-payloads-'));
  /** RFC 2544's range for tests. */
  readonly prefix = `198.18.${process.pid % 250}`;
  readonly bridge = `lh${process.pid}`;
  readonly records = new Map<string, string>();
  private readonly dns: Socket = createSocket('udp4');
  private address = 10;

  static async open(): Promise<Network> {
    const network = new Network();
    try {
      await network.connect();
      await network.issue();
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

  private async issue(): Promise<void> {
    const sh = (script: string) => run('sh', ['-ec', script], { cwd: this.folder });
    const ec = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
    await sh(`openssl req -x509 ${ec} -keyout ca.key -out ca.crt -subj /CN=test-ca -days 1
      openssl req ${ec} -keyout tls.key -out tls.csr -subj /CN=redis
      echo 'subjectAltName=DNS:${DOMAIN},DNS:*.${DOMAIN}' >san
      openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile san -out tls.crt -days 1
      chmod 644 tls.key`);
  }
}

/** A pod: a root of its own made of the machine's programs, the rendered files at /config, an address and a name. */
class Pod {
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
class Client {
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
class Writer {
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
class Group {
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

/** The tests of one group, in the order in which they leave it whole for the next. */
interface Scenario {
  readonly members: number;
  readonly purpose: RedisPayloadProps['purpose'];
  readonly test: (group: Group, report: Report) => Promise<void>;
}

const SCENARIOS: readonly Scenario[] = [
  {
    members: 3,
    purpose: 'sessions',
    async test(group, report) {
      await access(group, report);
      await renewedProxy(group, report);
      await crash(group, report);
      await isolation(group, report);
      await pause(group, report);
      await handover(group, report);
      await powerCut(group, report);
      await sessionEviction(group, report);
    },
  },
  {
    members: 3,
    purpose: 'cache',
    async test(group, report) {
      await emptyRestart(group, report);
      await cacheEviction(group, report);
    },
  },
  { members: 1, purpose: 'sessions', test: powerCut },
];

export async function check(report: Report): Promise<void> {
  const missing = Object.entries(PACKAGES).filter(([file]) => !existsSync(file));
  if (missing.length > 0) throw new Error(`apt-get install ${missing.map(([, name]) => name).join(' ')}`);
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');

  for (const { members, purpose, test } of SCENARIOS) {
    const titled: Report = (name, ok, detail) =>
      report(`redis ${purpose} of ${members}: ${name}`, ok, detail);
    const network = await Network.open();
    let group: Group | undefined;
    try {
      group = new Group(network, members, purpose);
      titled('starts, every probe succeeds', true, seconds(await group.start()));
      titled('exactly one master', (await group.masters()).length === 1);
      await test(group, titled);
    } catch (error) {
      titled('runs to its end', false, `${String(error)}\n${await group?.logs()}`);
    } finally {
      await group?.close();
      await network.close();
    }
  }
}

async function access(group: Group, report: Report): Promise<void> {
  const { proxy } = group;
  const master = await group.master();
  const files = ['-f', '/run/haproxy/password.cfg', '-f', '/config/haproxy.cfg'];
  report('haproxy -c', await proxy.exec('haproxy', '-c', ...files));

  const cli = (pod: Pod, line: string) => pod.output('sh', '-c', `. /config/members.sh; ${line}`);
  const tls = '--tls --cacert /trust/ca.crt';
  const both = `${tls} --cert /tls/tls.crt --key /tls/tls.key`;
  const refused = async (name: string, line: string, error: RegExp) => {
    const output = await cli(master, line);
    report(`refuses ${name}`, error.test(output) && !output.includes('PONG'), output.split('\n')[0]);
  };
  for (const port of [6379, 26379]) {
    await refused(`plain text on ${port}`, `timeout 2 redis-cli -p ${port} PING`, /^(Error|I\/O|$)/i);
    await refused(
      `no certificate on ${port}`,
      `timeout 2 redis-cli ${tls} -p ${port} PING`,
      /certificate required|Error/,
    );
    await refused(`no user on ${port}`, `redis-cli ${both} -p ${port} PING`, /NOAUTH/);
    await refused(
      `a wrong password on ${port}`,
      `redis-cli ${both} -p ${port} --user probe --pass wrong PING`,
      /WRONGPASS/,
    );
  }
  await refused('the default user', `redis-cli ${both} --user default --pass '' PING`, /WRONGPASS|NOAUTH/);

  const bridge = (...command: string[]) => group.ask(proxy, 'bridge', ...command);
  report('an application writes its own keys', (await bridge('SET', 'bridge:a', '1')).startsWith('+OK'));
  report('an application touches no other key', (await bridge('GET', 'other:a')).startsWith('-NOPERM'));
  report('an application administers nothing', (await bridge('CONFIG', 'GET', '*')).startsWith('-NOPERM'));
  report(
    'the probe user reads no key',
    (await group.ask(master, 'probe', 'GET', 'bridge:a')).startsWith('-NOPERM'),
  );
  report(
    'the exporter reads its statistics',
    (await group.ask(master, 'exporter', 'SLOWLOG', 'LEN')).startsWith(':'),
  );

  const replica = group.pods.find((pod) => pod !== master) ?? master;
  const copied = await until(
    2000,
    'copied',
    async () => (await cli(replica, 'ask bridge 127.0.0.1 6379 GET bridge:a')) === '1\n',
  );
  report('replicates over TLS', true, seconds(copied));

  const secrets = USERS.map(password);
  const pods = [...group.pods, proxy];
  const visible = pods.flatMap((pod) => [
    ...pod.files('config'),
    ...pod.files('data'),
    ...pod.processFiles(),
  ]);
  const leaks = visible.filter((file) => secrets.some((secret) => readFileSync(file).includes(secret)));
  report(
    'no password in files of the ConfigMap, on the volume, in arguments or environment',
    leaks.length === 0,
    leaks.join(' '),
  );
  const pages = await Promise.all(
    ['healthz', 'master', 'metrics'].map((path) => fetch(`http://${proxy.ip}:8404/${path}`)),
  );
  report(
    'proxy answers /healthz, /master and /metrics',
    pages.every(({ status }) => status === 200),
  );
}

/** A renewed certificate: the liveness probe gives it to the proxy, whose clients do not notice. */
async function renewedProxy({ network, proxy }: Group, report: Report): Promise<void> {
  const kept = await Client.open(network, proxy.ip, 'bridge');
  const mounted = (file: string) => join(proxy.root, 'tls', file);
  const old = ['tls.crt', 'tls.key'].map((file) => [file, readFileSync(mounted(file))] as const);
  // Its last line asks by wget, which is not among the applets here: what it has done before is looked at.
  const live = () => proxy.exec('/bin/sh', '/config/live-haproxy.sh');
  const shown = () =>
    proxy.output('sh', '-c', "echo 'show ssl cert /tls/tls.crt' | nc -w 5 127.0.0.1 9999 | grep ^Subject:");
  await run(
    'sh',
    [
      '-ec',
      `openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${mounted('tls.key')} -out renewed.csr -subj /CN=renewed
      openssl x509 -req -in renewed.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile san -out ${mounted('tls.crt')} -days 1`,
    ],
    { cwd: network.folder },
  );
  await live();
  report('a renewed certificate is in use', (await shown()).includes('CN=renewed'));
  await sleep(3000);
  report('checks with it succeed', (await fetch(`http://${proxy.ip}:8404/master`)).status === 200);
  report('a client from before keeps its connection', (await kept.send('PING')).startsWith('+PONG'));
  writeFileSync(mounted('tls.crt'), old[0]?.[1] ?? '');
  await live();
  report('one without its key is not taken', (await shown()).includes('CN=renewed'));
  for (const [file, text] of old) writeFileSync(mounted(file), text);
  await live();
  report('the next one is', (await shown()).includes('CN=redis'));
  kept.close();
}

/** The master's pod is gone; later it returns elsewhere. */
async function crash(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:crash');
  await master.signal('SIGKILL', 'redis', 'sentinel');
  const elected = await group.replaced(master);
  await group.flows(writer);
  report(
    'kill -9: another master',
    true,
    `elected ${seconds(elected)}, writes through the proxy stood still ${seconds(writer.takeGap())}`,
  );
  await master.attach();
  group.startPod(master);
  const back = await group.ready(30_000);
  report(
    'kill -9: the old master returns at another address as replica',
    (await group.master()) !== master,
    seconds(back),
  );
  await writer.stop();
  const lost = await group.lost('bridge:crash', writer.confirmed);
  report('kill -9: no write lost that WAIT 1 confirmed', lost === 0, `${lost} of ${writer.confirmed.length}`);
}

/** The master cannot reach anybody, and nobody can reach it. */
async function isolation(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  await master.link('down');
  const start = Date.now();
  const write = `. /config/members.sh; ask bridge 127.0.0.1 6379 SET bridge:isolated 1`;
  const refused = until(15_000, 'NOREPLICAS', async () =>
    (await master.output('sh', '-c', write)).startsWith('NOREPLICAS'),
  );
  const elected = group.replaced(master).then(() => Date.now() - start);
  const times = { refused: await refused, elected: await elected };
  report(
    'isolated master: refuses writes before another is elected',
    times.refused < times.elected,
    `refused after ${seconds(times.refused)}, elected after ${seconds(times.elected)}`,
  );
  await until(5000, 'proxy follows', () => group.proxied());
  await master.link('up');
  const back = await until(40_000, 'one master', async () => (await group.masters()).length === 1);
  await group.ready(30_000);
  report('isolated master: returns as replica', (await group.master()) !== master, seconds(back));
}

/** The master stands still and wakes up after another was elected, still believing it leads. */
async function pause(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:pause');
  await master.signal('SIGSTOP', 'redis');
  const elected = await group.replaced(master);
  const from = writer.accepted.length;
  await group.flows(writer);
  await master.signal('SIGCONT', 'redis');
  const demoted = await until(30_000, 'demoted', async () => (await group.masters()).length === 1);
  await group.ready(30_000);
  await writer.stop();
  const lost = await group.lost('bridge:pause', writer.accepted.slice(from));
  report(
    'woken master: the proxy leads no write to it',
    lost === 0 && (await group.master()) !== master,
    `elected ${seconds(elected)}, still ${seconds(writer.takeGap())}, woken master a replica after ${seconds(demoted)}, ${lost} lost`,
  );
}

/** The kubelet stops the master's pod: hook of Redis and SIGTERM of Sentinel at once, then SIGTERM of Redis. */
async function handover(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:handover');
  const start = Date.now();
  const [done] = await Promise.all([
    master.exec('/config/stop-redis.sh'),
    master.signal('SIGTERM', 'sentinel'),
  ]);
  const hook = Date.now() - start;
  await master.signal('SIGTERM', 'redis');
  const stopped = Date.now() - start;
  await group.flows(writer);
  report(
    'handover: writes continue',
    done,
    `hook ${seconds(hook)}, stopped ${seconds(stopped)}, still ${seconds(writer.takeGap())}`,
  );
  await master.attach();
  group.startPod(master);
  const back = await group.ready(30_000);
  await writer.stop();
  const lost = await group.lost('bridge:handover', writer.accepted);
  report(
    'handover: no acknowledged write lost',
    lost === 0,
    `${lost} of ${writer.accepted.length}, back ${seconds(back)}`,
  );
}

/** Every process dies at once, and every pod returns at another address. */
async function powerCut(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:power');
  await sleep(500);
  await Promise.all(group.pods.map((pod) => pod.signal('SIGKILL', 'redis', 'sentinel')));
  await writer.stop();
  for (const pod of group.pods) {
    // The memory volume /run ends with the pod, /data stays.
    pod.clear('run');
    await pod.attach();
    group.startPod(pod);
  }
  const back = await group.ready(40_000);
  const lost = await group.lost('bridge:power', writer.accepted);
  report(
    'all killed at once: same master, same data',
    lost === 0 && (await group.master()) === master,
    `${seconds(back)}, ${lost} of ${writer.accepted.length} lost`,
  );
}

/** A cache's master is restarted faster than anybody notices, and has nothing: it must not make the others forget. */
async function emptyRestart(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  await group.ask(group.proxy, 'bridge', 'SET', 'bridge:kept', '1');
  await sleep(1100);
  await master.signal('SIGKILL', 'redis');
  master.start('redis');
  const time = await group.ready(70_000);
  const kept = await group.ask(group.proxy, 'bridge', 'GET', 'bridge:kept');
  report(
    'a master that restarts empty does not lead',
    kept.includes('1') && (await group.master()) !== master,
    seconds(time),
  );
}

/** Writes 60 MB into 40 MB, of which the replication backlog takes 16: the replies that are errors, and the keys left. */
async function overfill(
  group: Group,
  key: string,
  ...options: string[]
): Promise<{ errors: string[]; keys: number }> {
  const master = await group.master();
  const client = await Client.open(group.network, group.proxy.ip, 'bridge');
  const errors: string[] = [];
  for (let index = 0; index < 600; index += 1) {
    const reply = await client.send('SET', `${key}:${index}`, 'x'.repeat(100_000), ...options);
    if (reply.startsWith('-')) errors.push(reply.trim());
  }
  client.close();
  const size = await group.ask(master, 'bridge', 'DBSIZE');
  return { errors, keys: Number(size.slice(1)) };
}

async function cacheEviction(group: Group, report: Report): Promise<void> {
  const { errors, keys } = await overfill(group, 'bridge:fill');
  report(
    'full: old keys make room',
    errors.length === 0 && keys > 100 && keys < 600,
    `${keys} of 600 keys left`,
  );
}

async function sessionEviction(group: Group, report: Report): Promise<void> {
  const expiring = await overfill(group, 'bridge:session', 'EX', '600');
  const kept = await group.ask(group.proxy, 'bridge', 'EXISTS', 'bridge:a');
  report(
    'full: sessions that expire make room, others stay',
    expiring.errors.length === 0 && kept.startsWith(':1'),
    `${expiring.keys} of 600 keys left`,
  );
  const lasting = await overfill(group, 'bridge:lasting');
  report(
    'full of lasting keys: refuses writes',
    lasting.errors.some((error) => error.startsWith('-OOM')),
    lasting.errors[0],
  );
}

function password(user: string): string {
  return `secret-of-${user}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Polls until the condition holds; the time it took. */
async function until(limit: number, name: string, condition: () => Promise<boolean>): Promise<number> {
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
