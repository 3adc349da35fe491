import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findKubectl, run } from '../acceptance/kubectl';
import { attacksOnApi } from '../attacks/api-server';
import { ATTACKS_ON_NETWORK } from '../attacks/network';
import { type Result, tryAttack } from '../attacks/attack';
import { table } from '../audit/markdown';
import { loadConfig } from '../config/load';
import { Misuse, runCommand } from './command';

const USAGE = `usage: npm run attacks -- --kubeconfig FILE --environment NAME [--running] [--write]

Attacks an API server that has an environment applied, each beside a control: the same thing where it is permitted, which must pass.
Nothing is changed: what would be kept is a dry run, what somebody else would do is impersonated.

  --kubeconfig FILE   signs in somebody who may do everything there
  --environment NAME  whose groups people are in
  --running           also attacks from within pods: they must run, and the network must enforce policies
  --write             also write what was seen to docs/security/attacks.md
  --help              show this`;

const page = join(__dirname, '..', 'docs', 'security', 'attacks.md');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      environment: { type: 'string' },
      running: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const { kubeconfig } = values;
  if (kubeconfig === undefined) throw new Misuse('--kubeconfig must be given');
  const found = loadConfig('config').environments.find((each) => each.environment === values.environment);
  if (!found?.access)
    throw new Misuse(`--environment: ${values.environment ?? 'nothing'} has no access.groups`);
  const program = findKubectl();
  const results: Result[] = [];
  const attacks = [...attacksOnApi(found.access.groups), ...(values.running ? ATTACKS_ON_NETWORK : [])];
  for (const attack of attacks) {
    const result = await tryAttack(attack, (args, input) =>
      run(program, ['--kubeconfig', kubeconfig, ...args], input),
    );
    results.push(result);
    console.log(
      `${result.problem === undefined ? 'ok    ' : 'FAILED'} ${attack.name}${result.problem === undefined ? '' : `: ${result.problem}`}`,
    );
  }
  const failed = results.filter(({ problem }) => problem !== undefined).length;
  if (values.write) writeFileSync(page, pageOf(results));
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function pageOf(results: readonly Result[]): string {
  const rows = results.map(({ attack: { name, means, permitted }, problem, said }) => [
    name,
    means,
    problem ?? `refused: ${shortened(said)}`,
    `${permitted}: passes`,
  ]);
  return `# Attacks

What was tried on a real API server by \`npm run attacks\`, which wrote this. Each has its control, the same thing where it is permitted.

${table(['attack', 'stopped by', 'result', 'control'], rows)}

Connections that nobody declared are tried by \`npm run e2e\`, pair by pair, on a node whose network enforces policies; plain text and wrong
passwords at every service, by its checks too.
`;
}

function shortened(text: string): string {
  return text.length > 220 ? `${text.slice(0, 220)}…` : text;
}

runCommand(USAGE, main);
