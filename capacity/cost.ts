import type { Environment } from '../config/schema';
import type { Need } from './plan';

const GIB = 2 ** 30;

/**
 * What a need costs in a month, in the currency of the prices; undefined where none are configured. Paid for are the cores
 * and the memory that it needs, and the event store on a volume of each instance; not what nodes keep free for the loss of
 * a zone, backups, or traffic.
 */
export function monthlyCost(
  { cores, memory, storage }: Need,
  { budgets: { prices }, postgres: { instances } }: Pick<Environment, 'budgets' | 'postgres'>,
): number | undefined {
  if (!prices) return undefined;
  return (
    cores * prices.core +
    (memory / GIB) * prices.memoryGiB +
    ((storage * instances) / GIB) * prices.storageGiB
  );
}
