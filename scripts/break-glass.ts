import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findKubectl, run } from '../acceptance/kubectl';
import { BREAK_GLASS } from '../constructs/access';
import { LONGEST_SECONDS, REASON, REASON_LETTERS, SHORTEST_SECONDS } from '../constructs/access/limits';
import { Misuse, runCommand } from './command';

const USAGE = `usage: npm run break-glass -- --reason TEXT --for 30m [OPTION ...]

For an emergency that cannot wait for Git: writes a kubeconfig that may do everything inside the platform's namespaces until its token
ends, which the API server sees to. Who asked, why and for how long is in the API server's audit log.

  --reason TEXT       why, in ${REASON_LETTERS} letters at least
  --for MINUTES       whole minutes, ${SHORTEST_SECONDS / 60}m to ${LONGEST_SECONDS / 60}m
  --output FILE       where the kubeconfig is written, readable by you alone; must not be there (default: break-glass.kubeconfig)
  --kubeconfig FILE   how you sign in (default: as kubectl does)
  --context NAME      context of it (default: the current one)
  --help              show this`;

const NAMESPACE = 'access';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      reason: { type: 'string' },
      for: { type: 'string' },
      output: { type: 'string', default: 'break-glass.kubeconfig' },
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
    },
  });
  const { reason = '', output } = values;
  if (reason.trim().length < REASON_LETTERS)
    throw new Misuse(`--reason: must say why in at least ${REASON_LETTERS} letters`);
  const seconds = secondsOf(values.for);
  const always = [
    ...(values.kubeconfig === undefined ? [] : ['--kubeconfig', values.kubeconfig]),
    ...(values.context === undefined ? [] : ['--context', values.context]),
  ];
  const program = findKubectl();
  const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const { status, stdout, stderr } = await run(program, [...always, ...args], input);
    if (status !== 0) throw new Error(`kubectl ${args.slice(0, 2).join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { annotations: { [REASON]: reason.trim() } },
    spec: { expirationSeconds: seconds },
  };
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${BREAK_GLASS}/token`;
  const answer = await kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(request));
  const { token, expirationTimestamp } = (
    JSON.parse(answer) as { status: { token: string; expirationTimestamp: string } }
  ).status;
  const config = JSON.parse(
    await kubectl(['config', 'view', '--minify', '--flatten', '--raw', '--output', 'json']),
  ) as Kubeconfig;
  const [cluster] = config.clusters;
  if (!cluster) throw new Error('the kubeconfig names no cluster');
  const made = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [cluster],
    users: [{ name: BREAK_GLASS, user: { token } }],
    contexts: [{ name: BREAK_GLASS, context: { cluster: cluster.name, user: BREAK_GLASS } }],
    'current-context': BREAK_GLASS,
  };
  writeFileSync(output, JSON.stringify(made, undefined, 2), { mode: 0o600, flag: 'wx' });
  console.log(
    `${output}: until ${expirationTimestamp}; kubectl --kubeconfig ${output} …; remove it when you are done`,
  );
  return 0;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string }[];
}

/** @throws Misuse where it is not a number of minutes that is allowed */
function secondsOf(duration: string | undefined): number {
  const seconds = Number(/^(\d+)m$/.exec(duration ?? '')?.[1]) * 60;
  if (seconds >= SHORTEST_SECONDS && seconds <= LONGEST_SECONDS) return seconds;
  throw new Misuse(
    `--for: must be ${SHORTEST_SECONDS / 60}m to ${LONGEST_SECONDS / 60}m, got ${duration ?? 'nothing'}`,
  );
}

runCommand(USAGE, main);
