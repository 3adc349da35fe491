import { parseArgs } from 'node:util';
import { findKubectl, run } from '../acceptance/kubectl';
import { MODES } from '../constructs/bridge-edge/modes';
import { Misuse, runCommand } from './command';

const USAGE = `usage: npm run edge:mode [-- MODE] [-- OPTION ...]

Says which mode every pod of the bridge's edge is in; with MODE, switches all of them first, at once and for pods to come.
Exit status 1 where one is in another mode than its ConfigMap says.

  MODE              ${MODES.join(' | ')}
  --context NAME    context of the kubeconfig (default: the current one)
  --help            show this`;

const NAMESPACE = 'bridge';
const PODS = 'app.kubernetes.io/name=haproxy,app.kubernetes.io/instance=edge';
const CONFIG = 'edge-mode';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { context: { type: 'string' } },
  });
  const [wanted, ...more] = positionals;
  if (more.length > 0 || (wanted !== undefined && !MODES.some((mode) => mode === wanted))) {
    throw new Misuse(`must be one of ${MODES.join(', ')}, got ${positionals.join(' ')}`);
  }
  const kubectl = client(values.context);
  if (wanted !== undefined) await kubectl(['apply', '-f', '-'], configMap(wanted));
  const declared = await kubectl([
    'get',
    'configmap',
    CONFIG,
    '--ignore-not-found',
    '-o',
    'jsonpath={.data.mode}',
  ]);
  const pods = await kubectl(['get', 'pods', '-l', PODS, '-o', 'name']);
  const names = pods.split('\n').filter((name) => name !== '');
  const modes = await Promise.all(
    names.map((name) =>
      kubectl([
        'exec',
        name,
        '--',
        '/bin/sh',
        '/config/mode.sh',
        ...(wanted === undefined ? [] : [wanted]),
      ]).catch((error: unknown) => (error instanceof Error ? error.message : String(error))),
    ),
  );
  const all = [
    ['configmap/edge-mode', declared || 'normal'],
    ...names.map((name, i) => [name, modes[i] ?? '']),
  ];
  for (const [name, mode] of all) console.log(`${name}: ${mode}`);
  if (names.length === 0) console.error('no pod of the edge runs here');
  return names.length > 0 && modes.every((mode) => mode === (declared || 'normal')) ? 0 : 1;
}

/** @throws Error with what kubectl says, where it fails */
function client(context: string | undefined): (args: readonly string[], input?: string) => Promise<string> {
  const program = findKubectl();
  const always = ['--namespace', NAMESPACE, ...(context === undefined ? [] : ['--context', context])];
  return async (args, input) => {
    const { status, stdout, stderr } = await run(program, [...always, ...args], input);
    if (status !== 0) throw new Error(`kubectl ${args[0]}: ${stderr.trim()}`);
    return stdout.trim();
  };
}

function configMap(mode: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: CONFIG, namespace: NAMESPACE },
    data: { mode },
  });
}

runCommand(USAGE, main);
