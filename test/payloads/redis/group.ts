/**
 * A group of Redis as redis-sentinel's payload files make it, in real programs: members and a proxy, each in a network and mount
 * namespace of its own, with BusyBox as its shell, its own address, DNS names and TLS. Needs root, like CI's runner has.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { until } from '../timing';
import { Client } from './client';
import { DOMAIN, type Network } from './network';
import { Pod, type RedisPayloadProps } from './pod';
import type { Writer } from './writer';

const run = promisify(execFile);

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
