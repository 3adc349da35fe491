import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster';
import { type Budget, podsIn, readyOf } from './pods';

/** Looks at the pods again and again while something happens, and remembers the worst that each budget has seen. */
export class Watchman {
  private readonly fewest = new Map<Budget, number>();
  private isOpen = true;
  private readonly done: Promise<void>;

  constructor(
    private readonly cluster: Cluster,
    private readonly budgets: readonly Budget[],
  ) {
    this.done = this.watch();
    this.done.catch(() => undefined); // Said when it is closed.
  }

  /** Ends it. @returns the budgets that had fewer pods ready than they must, a line each */
  async close(): Promise<{ readonly name: string; readonly message: string }[]> {
    this.isOpen = false;
    await this.done;
    return [...this.fewest]
      .filter(([{ minimum }, ready]) => ready < minimum)
      .map(([{ name, namespace, minimum, expected }, ready]) => ({
        name: `PodDisruptionBudget/${namespace}/${name}`,
        message: `only ${ready} of ${expected} ready at one moment, its minimum is ${minimum}`,
      }));
  }

  private async watch(): Promise<void> {
    for (; this.isOpen; await sleep(100)) {
      const pods = await podsIn(this.cluster);
      for (const budget of this.budgets)
        this.fewest.set(budget, Math.min(this.fewest.get(budget) ?? Infinity, readyOf(budget, pods)));
    }
  }
}
