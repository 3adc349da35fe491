import fc from 'fast-check';
import { join } from 'node:path';
import { monthlyCost } from '../../capacity/cost';
import { needOf, STEPS } from '../../capacity/plan';
import { proposalFor } from '../../capacity/proposal';
import { loadConfig } from '../../config/load';
import { parseQuantity } from '../../constructs/platform/quantity';

const { environments } = loadConfig(join(__dirname, '../../config'));
const production = environments.find(({ environment }) => environment === 'production');
if (!production) throw new Error('there is no production');
const [smallest, , , full] = STEPS;
if (!smallest || !full) throw new Error('the plan has four steps');

const growth = fc.double({ min: 0, max: 10, noNaN: true });
const step = fc.constantFrom(...STEPS);

test('a step needs what the plan says, and grows in a straight line', () => {
  expect(needOf(full, 0, 90)).toMatchObject({ cores: 160, connections: 1000, eventsPerSecond: 10_000 });
  expect(needOf(full, 0.25, 90)).toMatchObject({ cores: 200, connections: 1250, eventsPerSecond: 12_500 });
  expect(needOf(full, 0.25, 90).storage).toBe(6250e9);
});

test('writes follow from the storage, the time in which it fills, and what is logged for it', () => {
  // 5 TB in 90 days are 643 KB a second; with what is logged for them four times that, in pages of 8 KiB.
  expect(needOf(full, 0, 90).iops).toBe(Math.ceil((4 * 5000e9) / (90 * 86_400) / 8192));
  expect(needOf(full, 0, 45).iops).toBeGreaterThan(needOf(full, 0, 90).iops * 1.99);
});

test('a month costs what cores, memory and a volume per instance cost; without prices, nothing is told', () => {
  const need = needOf(full, 0, 90);
  const cost = (core: number, memoryGiB: number, storageGiB: number): number | undefined =>
    monthlyCost(need, {
      postgres: { ...production.postgres, instances: 3 },
      budgets: { ...production.budgets, prices: { currency: 'EUR', core, memoryGiB, storageGiB } },
    });
  expect(cost(20, 0, 0)).toBe(160 * 20);
  expect(cost(0, 3, 0)).toBeCloseTo((640e9 / 2 ** 30) * 3);
  expect(cost(0, 0, 0.1)).toBeCloseTo(((3 * 5000e9) / 2 ** 30) * 0.1);
  expect(cost(20, 3, 0.1)).toBeCloseTo(3200 + 1788.14 + 1396.98, 1);
  expect(monthlyCost(need, { ...production, budgets: { cpu: '1', memory: '1Gi' } })).toBeUndefined();
});

test('a proposal keeps the prices', () => {
  const prices = { currency: 'EUR', core: 20, memoryGiB: 3, storageGiB: 0.1 };
  const priced = { ...production, budgets: { ...production.budgets, prices } };
  expect(proposalFor(priced, full, 0).environment.budgets.prices).toEqual(prices);
});

test('what the configuration gives already is not changed', () => {
  const { changes, environment } = proposalFor(production, { ...smallest, cores: 1, storage: 1 }, 0);
  expect(changes).toEqual([]);
  expect(environment).toEqual(production);
});

test('a proposal gives what is needed, makes nothing smaller, and names exactly what it changes', () => {
  fc.assert(
    fc.property(step, growth, (some, more) => {
      const { need, changes, environment } = proposalFor(production, some, more);
      expect(parseQuantity(environment.budgets.cpu)).toBeGreaterThanOrEqual(need.cores);
      expect(parseQuantity(environment.budgets.memory)).toBeGreaterThanOrEqual(need.memory);
      expect(environment.postgres.clientConnections).toBeGreaterThanOrEqual(need.connections);
      expect(parseQuantity(environment.postgres.storage)).toBeGreaterThanOrEqual(need.storage);
      for (const { nodes, zones } of environment.clusters) {
        const left = nodes.count - nodes.count / zones.length;
        expect(left * parseQuantity(nodes.cpu)).toBeGreaterThanOrEqual(need.cores);
        expect(left * parseQuantity(nodes.memory)).toBeGreaterThanOrEqual(need.memory);
      }
      for (const { from, to } of changes) {
        expect(parseQuantity(String(to))).toBeGreaterThan(parseQuantity(String(from)));
      }
      expect(changes.length === 0).toBe(JSON.stringify(environment) === JSON.stringify(production));
    }),
  );
});
