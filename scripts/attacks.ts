import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Attack, type Ground, type Result, tryAttack } from '../attacks/attack';
import { API_SERVER, givenCluster } from '../attacks/cluster';
import { EDGE } from '../attacks/edge';
import { pageOf } from '../attacks/page';
import { POSTGRES } from '../attacks/postgres';
import { REDIS } from '../attacks/redis';
import { loadEnvironment } from '../config/load';
import { Misuse, runCommand } from './command';

const GROUNDS: Readonly<Record<string, Ground>> = {
  'api-server': API_SERVER,
  edge: EDGE,
  redis: REDIS,
  postgres: POSTGRES,
};

const USAGE = `usage: npm run attacks [-- OPTION ... NAME ...]

Attacks the real programs, each attack beside a control: the same thing where it is permitted, which must pass. NAME is one or
more of: ${Object.keys(GROUNDS).join(', ')} (default: all). They are started on this machine: an API server with production's
manifests of dist/, built once (Go, 10 to 15 minutes), HAProxy, Redis and PostgreSQL, which must be installed. Redis needs root.

  --write             write what was seen to docs/security/attacks.md; what was not tried keeps its line
  --check             fail where that page says something else
  --kubeconfig FILE   attack this cluster's API server instead; it signs in somebody who may do everything there. Nothing is
                      changed: what would be kept is a dry run, what somebody else would do is impersonated
  --environment NAME  what is applied there
  --running           also attack from within its pods: they must run, and the network must enforce policies
  --help              show this

Ends with "N passed, N failed"; exit status 1 where something failed.`;

const PAGE = join(process.env['LIGHTHOUSE_ROOT'] ?? process.cwd(), 'docs', 'security', 'attacks.md');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kubeconfig: { type: 'string' },
      environment: { type: 'string' },
      running: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  const tried = [];
  for (const ground of groundsOf(values, positionals)) {
    console.log(ground.where);
    const results: Result[] = [];
    await ground.open(async (attacks) => {
      results.push(...(await tryAll(attacks)));
    });
    tried.push({ where: ground.where, results });
  }
  const results = tried.flatMap((each) => each.results);
  const failed = results.filter(({ problem }) => problem !== undefined).length;
  const before = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const page = pageOf(before, tried);
  if (values.write) writeFileSync(PAGE, page);
  const isStale = values.check && page !== before;
  if (isStale)
    console.log(
      `FAILED ${PAGE} is not what was seen: run \`npm run attacks -- --write\` and read the difference`,
    );
  const all = failed + (isStale ? 1 : 0);
  console.log(`${results.length - failed} passed, ${all} failed`);
  return all > 0 || results.length === 0 ? 1 : 0;
}

interface Values {
  readonly kubeconfig?: string;
  readonly environment?: string;
  readonly running: boolean;
}

function groundsOf(
  { kubeconfig, environment, running }: Values,
  names: readonly string[],
): readonly Ground[] {
  if (kubeconfig !== undefined) {
    if (environment === undefined) throw new Misuse('--environment must be given with --kubeconfig');
    return givenCluster(kubeconfig, loadEnvironment(join('config', `${environment}.yaml`)), running);
  }
  if (running) throw new Misuse('--running needs --kubeconfig');
  const unknown = names.filter((name) => !(name in GROUNDS));
  if (unknown.length > 0) throw new Misuse(`nothing to attack is called ${unknown.join(', ')}`);
  return Object.entries(GROUNDS).flatMap(([name, ground]) =>
    names.length === 0 || names.includes(name) ? [ground] : [],
  );
}

async function tryAll(attacks: readonly Attack[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const attack of attacks) {
    const result = await tryAttack(attack);
    const { problem, said } = result;
    console.log(`  ${problem === undefined ? 'ok    ' : 'FAILED'} ${attack.name}: ${problem ?? said}`);
    results.push(result);
  }
  return results;
}

runCommand(USAGE, main);
