import { setTimeout as sleep } from 'node:timers/promises';

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Polls until the condition holds; the time it took. */
export async function until(limit: number, name: string, condition: () => Promise<boolean>): Promise<number> {
  const start = Date.now();
  while (!(await condition())) {
    if (Date.now() - start > limit) throw new Error(`not within ${seconds(limit)}: ${name}`);
    await sleep(50);
  }
  return Date.now() - start;
}
