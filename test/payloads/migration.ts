/**
 * Runs the tests of the event store's migration (`migration/tests`): made-up stores, a real SQLite, a real PostgreSQL with the
 * event store's own schema, the tool as a process that is killed, cut off and started twice.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packagesOf } from './python-packages';
import type { Report } from './report';

const ROOT = join(__dirname, '..', '..');
const FOLDER = join(ROOT, 'migration');
/** Longer than a busy machine of two cores takes. */
const LIMIT_MS = 15 * 60_000;

export async function check(report: Report): Promise<void> {
  const { output, code } = await tests(join(await packagesOf(join(FOLDER, 'requirements.txt')), 'python'));
  const lines = [...output.matchAll(/^(test_\w+) \((.+)\) \.\.\. (?:[\s\S]*?)(ok|skipped .*|FAIL|ERROR)$/gm)];
  for (const [, name = '', where = '', result = ''] of lines) {
    const skipped = result.startsWith('skipped');
    report(
      `${where.split('.').at(-2)}: ${name.slice('test_'.length).replaceAll('_', ' ')}`,
      result === 'ok' || skipped,
      skipped ? result : '',
    );
  }
  const ran = Number(/^Ran (\d+) tests/m.exec(output)?.[1] ?? 0);
  report(
    'every test was seen',
    code === 0 && ran > 0 && ran === lines.length,
    code === 0 ? `${ran} tests` : output,
  );
}

function tests(python: string): Promise<{ output: string; code: number }> {
  return new Promise((resolve, reject) => {
    const process = spawn(python, ['-W', 'ignore', '-m', 'unittest', '--verbose'], {
      cwd: FOLDER,
      timeout: LIMIT_MS,
    });
    let output = '';
    for (const stream of [process.stdout, process.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    process.on('error', reject);
    process.on('close', (code) => resolve({ output, code: code ?? 1 }));
  });
}
