import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { monthlyCost } from '../capacity/cost';
import { type Need, STEPS } from '../capacity/plan';
import { type Proposal, proposalFor } from '../capacity/proposal';
import { buildPlatform } from '../charts/platform';
import type { Images } from '../config/images';
import { loadConfig } from '../config/load';
import { rules } from '../config/rules';
import type { Environment } from '../config/schema';
import { guarantees } from '../guarantees/all';
import { findingsAgainst } from '../guarantees/prove';
import { columns } from './columns';
import { Misuse, runCommand } from './command';

const USAGE = `usage: npm run capacity [-- OPTION ...]

Says, from the configuration alone, what each step of the capacity plan needs, what of that the environment gives, and which
of its values to change; with budgets.prices, also what it costs in a cluster and month. Each proposal is built and held
against all guarantees; nothing is written.

  --environment NAME   which environment (default: production)
  --growth PERCENT     how much more than each step, such as 25% (default: 0%)
  --json               print everything as one JSON document
  --config DIR         folder with the environment files and images.yaml (default: config)
  --help               show this

Exit status 1 where a proposal does not hold a guarantee.`;

/** A proposal, what it costs in a month, and what the guarantees have against the environment that it makes. */
interface Checked extends Proposal {
  readonly cost: number | undefined;
  readonly findings: readonly string[];
}

function growthIn(text: string): number {
  const [, digits] = /^([0-9]{1,4})%$/.exec(text) ?? [];
  if (digits === undefined) throw new Misuse(`--growth must be a percentage such as 25%, got "${text}"`);
  return Number(digits) / 100;
}

function check(proposal: Proposal, images: Images): Checked {
  const { environment } = proposal;
  const wrong = Object.values(rules).flatMap((rule) => rule.check(environment));
  const findings = [
    ...wrong.map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...environment.clusters.flatMap((cluster) =>
      findingsAgainst(buildPlatform(environment, cluster, images), guarantees),
    ),
  ];
  return { ...proposal, cost: monthlyCost(proposal.need, environment), findings };
}

const gigabytes = (bytes: number): string => `${Math.ceil(bytes / 1e9)} GB`;

const COLUMNS: readonly (readonly [title: string, cell: (need: Need) => string])[] = [
  ['load', ({ share }) => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`],
  ['cores', ({ cores }) => String(cores)],
  ['memory', ({ memory }) => gigabytes(memory)],
  ['connections', ({ connections }) => String(connections)],
  ['storage', ({ storage }) => gigabytes(storage)],
  ['writes/s', ({ iops }) => String(iops)],
  ['events/s', ({ eventsPerSecond }) => String(Math.ceil(eventsPerSecond))],
];

function tableOf(proposals: readonly Checked[], { budgets: { prices } }: Environment): string {
  const titles = [...COLUMNS.map(([title]) => title), ...(prices ? [`${prices.currency} a month`] : [])];
  const rows = proposals.map(({ need, cost }) => [
    ...COLUMNS.map(([, cell]) => cell(need)),
    ...(cost === undefined ? [] : [String(Math.ceil(cost))]),
  ]);
  return columns([titles, ...rows]);
}

function adviceOf({ need, changes, findings }: Checked): string {
  const load = COLUMNS[0]?.[1](need) ?? '';
  if (changes.length === 0) return `${load}: the configuration carries it`;
  const lines = changes.map(({ path, from, to }) => `  ${path}: ${from} -> ${to}`);
  const verdict =
    findings.length === 0
      ? '  with these, all rules and guarantees hold'
      : `  with these, ${findings.length} rules or guarantees do not hold:\n${findings.map((each) => `    ${each}`).join('\n')}`;
  return [`${load}:`, ...lines, verdict].join('\n');
}

function main(): number {
  const { values } = parseArgs({
    options: {
      environment: { type: 'string', default: 'production' },
      growth: { type: 'string', default: '0%' },
      json: { type: 'boolean', default: false },
      config: { type: 'string', default: join(__dirname, '..', 'config') },
    },
  });
  const growth = growthIn(values.growth);
  const { environments, images } = loadConfig(values.config);
  const environment = environments.find((each) => each.environment === values.environment);
  if (!environment) {
    const names = environments.map((each) => each.environment).join(', ');
    throw new Misuse(`--environment ${values.environment}: ${values.config} has ${names}`);
  }
  const proposals = STEPS.map((step) => check(proposalFor(environment, step, growth), images));
  if (values.json) {
    const plain = proposals.map(({ need, cost, changes, findings }) => ({ need, cost, changes, findings }));
    console.log(JSON.stringify({ environment: environment.environment, growth, steps: plain }, undefined, 2));
  } else {
    console.log(`${environment.environment}, ${values.growth} more than each step of the plan\n`);
    console.log(`${tableOf(proposals, environment)}\n\n${proposals.map(adviceOf).join('\n')}`);
  }
  return proposals.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

runCommand(USAGE, main);
