import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { renderPayload } from '../../../constructs/platform/config-files';
import {
  type MemberPayloadProps,
  memberPayloads,
  type ProxyPayloadProps,
  proxyPayloads,
} from '../../../constructs/redis-sentinel/payloads';
import { DOMAIN, type Network } from './network';
import { password, USERS } from './users';

export type RedisPayloadProps = MemberPayloadProps & ProxyPayloadProps;

const run = promisify(execFile);
const FOLDER = join(process.env['LIGHTHOUSE_ROOT'] ?? process.cwd(), 'constructs', 'redis-sentinel');
const APPLETS =
  'sh awk cat cmp cut date echo grep head hostname mv nc printf sed sha1sum sha256sum sleep sort sync timeout tr';
const ENV = { PATH: '/bin:/usr/bin:/usr/sbin' };

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
