import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sandbox } from '../../acceptance/sandbox';

const isAlive = (pid: number | undefined): boolean => {
  try {
    return process.kill(pid ?? Number.NaN, 0);
  } catch {
    return false;
  }
};

const until = async (isSo: () => boolean): Promise<void> => {
  for (let tries = 0; !isSo() && tries < 100; tries++) await sleep(50);
};

test('closing ends the programs and removes the folder, and may be done twice', async () => {
  const sandbox = new Sandbox('test');
  const child = sandbox.start('sleeper', 'sleep', ['60']);
  expect(statSync(sandbox.folder).mode & 0o077).toBe(0);
  expect(isAlive(child.pid)).toBe(true);
  await sandbox.close();
  await sandbox.close();
  await until(() => !isAlive(child.pid));
  expect(isAlive(child.pid)).toBe(false);
  expect(existsSync(sandbox.folder)).toBe(false);
});

test('a program that cannot be started, or ends at once, has last words', async () => {
  const sandbox = new Sandbox('test');
  const missing = sandbox.start('missing', '/nowhere/at-all', []);
  const failing = sandbox.start('failing', 'sh', ['-c', 'echo one; echo two >&2; exit 3']);
  await until(() => failing.exitCode !== null);
  expect(missing.pid).toBeUndefined();
  expect(sandbox.lastWords('missing')).toBe('');
  expect(sandbox.lastWords('failing', 1)).toBe('two');
  await sandbox.close();
});

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'nothing is left where its user ends by %s',
  async (signal) => {
    // A program of its own: what a sandbox promises, it promises for after its user's end.
    const program = `
    const { transformSync } = require('@swc/core');
    const { readFileSync } = require('node:fs');
    const { code } = transformSync(readFileSync('acceptance/sandbox.ts', 'utf8'), {
      filename: 'sandbox.ts', jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' },
    });
    const loaded = { exports: {} };
    new Function('module', 'exports', 'require', code)(loaded, loaded.exports, require);
    const sandbox = new loaded.exports.Sandbox('test');
    console.log(JSON.stringify({ folder: sandbox.folder, pid: sandbox.start('sleeper', 'sleep', ['60']).pid }));
    setInterval(() => undefined, 1000);
  `;
    const user = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = await new Promise<string>((done) =>
      user.stdout.once('data', (chunk: Buffer) => done(chunk.toString())),
    );
    const { folder, pid } = JSON.parse(said) as { folder: string; pid: number };
    expect(isAlive(pid)).toBe(true);
    expect(existsSync(folder)).toBe(true);
    user.kill(signal);
    await until(() => !isAlive(pid) && !existsSync(folder));
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  },
);
