import { spawn, spawnSync } from 'node:child_process';

/** What a program said and how it ended. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MISSING =
  'kubectl could not be started: put it on PATH (https://kubernetes.io/docs/tasks/tools), or its folder into KUBEBUILDER_ASSETS';

/**
 * The user's own client: it knows every way of logging in to a cluster that a kubeconfig can name.
 * @throws Error where there is none
 */
export function findKubectl(): string {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const candidates = [...(assets === undefined ? [] : [`${assets}/kubectl`]), 'kubectl'];
  const found = candidates.find((path) => spawnSync(path, ['version', '--client']).status === 0);
  if (found === undefined) throw new Error(MISSING);
  return found;
}

/** Runs a program to its end. Secrets go in through `input`, never through arguments. */
export function run(program: string, args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on('error', () => undefined); // It ended without reading all: its status tells.
    child.on('error', fail);
    child.on('close', (status, signal) =>
      done({ status: status ?? 1, stdout, stderr: stderr + (signal === null ? '' : `ended by ${signal}\n`) }),
    );
    child.stdin.end(input);
  });
}
