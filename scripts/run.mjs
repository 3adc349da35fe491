#!/usr/bin/env node
// Runs one of the project's TypeScript programs: `node scripts/run.mjs FILE [ARG ...]`.
//
// The program is bundled once into .cache/ and bundled again only after one of its sources changed; V8's compiled code is
// kept beside it. So a synth pays for Node's start and its own work, not for two compilers. Types are checked by
// `npm run types`, not here.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [file, ...args] = process.argv.slice(2);
if (!file || !existsSync(resolve(root, file))) {
  console.error(`usage: node scripts/run.mjs FILE [ARG ...]\n${file ?? 'FILE'}: no such program in ${root}`);
  process.exit(2);
}

const cache = join(root, '.cache', 'bundles');
const bundle = join(cache, file.replace(/[^a-zA-Z0-9]/g, '-') + '.cjs');
const stamp = bundle + '.inputs.json';
const code = bundle + '.v8';

/** A fingerprint of the sources as they are on disk; no content is read, as with make. */
const fingerprint = (inputs) => {
  const hash = createHash('sha256').update(process.version);
  for (const input of inputs) {
    const { mtimeMs, size } = statSync(join(root, input), { throwIfNoEntry: false }) ?? {};
    hash.update(`${input} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
};

const isFresh = () => {
  if (!existsSync(stamp) || !existsSync(bundle)) return false;
  try {
    const { inputs, digest } = JSON.parse(readFileSync(stamp, 'utf8'));
    return fingerprint(inputs) === digest;
  } catch {
    return false;
  }
};

/** Payload files lie beside the source that names them, so `__dirname` must stay the source's own folder. */
const keepDirname = {
  name: 'keep-dirname',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: `const __dirname = ${JSON.stringify(dirname(path))}; ${readFileSync(path, 'utf8')}`,
    }));
  },
};

const compile = async () => {
  let esbuild;
  try {
    esbuild = await import('esbuild');
  } catch {
    console.error('node_modules is missing or incomplete: run `npm ci` first');
    process.exit(1);
  }
  mkdirSync(cache, { recursive: true });
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [resolve(root, file)],
    outfile: bundle,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'error',
    external: ['esbuild', 'typescript'],
    plugins: [keepDirname],
  });
  const inputs = [
    ...Object.keys(result.metafile.inputs),
    relative(root, fileURLToPath(import.meta.url)),
    'package.json',
  ];
  for (const { path, contents } of result.outputFiles) replaceFile(path, contents);
  rmSync(code, { force: true });
  replaceFile(stamp, JSON.stringify({ inputs, digest: fingerprint(inputs) }));
};

/** Writes a file as a whole: another run may be reading it. */
const replaceFile = (path, contents) => {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
};

/** Runs the bundle as `require` would, from V8's compiled code where there is some. */
const run = () => {
  const cachedData = existsSync(code) ? readFileSync(code) : undefined;
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(bundle, 'utf8')}\n})`;
  const script = new Script(source, { filename: bundle, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(bundle), module, bundle, cache);
  // When it ends, the functions that were really used are compiled.
  if (!cachedData || script.cachedDataRejected) {
    process.once('exit', () => replaceFile(code, script.createCachedData()));
  }
};

if (!isFresh()) await compile().catch(() => process.exit(1));
process.argv = [process.argv[0], resolve(root, file), ...args];
process.env.LIGHTHOUSE_ROOT = root;
process.env.LIGHTHOUSE_PROGRAM = JSON.parse(readFileSync(stamp, 'utf8')).digest;
run();
