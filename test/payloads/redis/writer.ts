import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../timing';
import { Client } from './client';
import type { Network } from './network';
import type { Pod } from './pod';

/** Members and their proxy. */
interface Target {
  readonly network: Network;
  readonly proxy: Pod;
  readonly pods: readonly Pod[];
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

  static async start(group: Target, key: string): Promise<Writer> {
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

  private async loop({ network, proxy, pods }: Target, key: string): Promise<void> {
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
