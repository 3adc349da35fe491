import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Authority } from '../../../guarantees/certificates/authority';

const run = promisify(execFile);

/** Host of all members; each has a name below it. */
export const DOMAIN = 'redis-members.test.svc.cluster.local';

/** Whom its certificate names. */
export const NAMES = [DOMAIN, `*.${DOMAIN}`];

const PACKAGES = {
  '/usr/bin/redis-server': 'redis-server',
  '/usr/bin/redis-sentinel': 'redis-sentinel',
  '/usr/bin/redis-cli': 'redis-tools',
  '/usr/sbin/haproxy': 'haproxy',
  '/usr/bin/busybox': 'busybox',
  '/usr/bin/openssl': 'openssl',
  '/usr/sbin/ip': 'iproute2',
};

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
