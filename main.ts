import { relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPlatform } from './charts/platform';
import { environmentFiles, imagesFile, loadConfig } from './config/load';
import { guarantees } from './guarantees/all';
import { findingsAgainst, GuaranteeError } from './guarantees/prove';
import { Files, Memory } from './synth/memory';
import { printPlatform } from './synth/print';
import { replaceFolder } from './synth/write';

const USAGE = `usage: npm run synth [-- OPTION ...]      (or: npx cdk8s synth)

Turns every environment file into Kubernetes manifests: all of them are written, or none.

  --config DIR     folder with the environment files and images.yaml    (default: config)
  --output DIR     folder to replace                                    (default: dist, or what the cdk8s CLI says)
  --no-cache       make every environment anew, also one that was printed before and did not change since
  --help           this text`;

/** Whether a path is a folder or lies below it. */
function isInside(path: string, folder: string): boolean {
  return !relative(folder, path).split(sep).includes('..');
}

/**
 * Everything that a folder of configuration is printed as.
 * @throws ConfigError, GuaranteeError with everything that is wrong
 */
function synthesize(config: string, useCache: boolean): Files {
  const memory = new Memory(process.env['LIGHTHOUSE_ROOT'] ?? '.', program(useCache), imagesFile(config));
  const sources = environmentFiles(config).map((file) => ({ file, known: memory.recall(file) }));
  const changed = sources.filter(({ known }) => known === undefined).map(({ file }) => file);
  const made = changed.length > 0 ? make(config, changed) : new Map<string, Files>();
  for (const [file, files] of made) memory.keep(file, files);
  return new Map(sources.flatMap(({ file, known }) => [...(known ?? made.get(file) ?? [])]));
}

/** What says which program this is; scripts/run.mjs knows. Where nothing does, nothing is remembered. */
function program(useCache: boolean): string | undefined {
  return useCache ? process.env['LIGHTHOUSE_PROGRAM'] : undefined;
}

/** What each of some environments' files is printed as. */
function make(config: string, sources: readonly string[]): Map<string, Files> {
  const { images, environments } = loadConfig(config, sources);
  const findings: string[] = [];
  const made = environments.map((environment) => {
    const files = new Map<string, string>();
    for (const cluster of environment.clusters) {
      // One at a time: what is kept of a hundred clusters is their text.
      const platform = buildPlatform(environment, cluster, images);
      findings.push(...findingsAgainst(platform, guarantees));
      for (const [file, text] of printPlatform(platform)) files.set(file, text);
    }
    return files;
  });
  if (findings.length > 0) throw new GuaranteeError(findings);
  return new Map(sources.map((source, index) => [source, made[index] ?? new Map()]));
}

function main(): void {
  const { values } = parseArgs({
    options: {
      config: { type: 'string', default: 'config' },
      output: { type: 'string', default: process.env['CDK8S_OUTDIR'] ?? 'dist' },
      'no-cache': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);

  if (isInside(values.config, values.output))
    throw new Error(
      `--output ${values.output} is to be replaced and holds the configuration, ${values.config}`,
    );
  const files = synthesize(values.config, !values['no-cache']);
  replaceFolder(values.output, files);
  console.log(`${values.output}: ${files.size} objects`);
}

try {
  main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  // Whoever reads this wants to know what to change, not where the program was; LIGHTHOUSE_DEBUG shows both.
  console.error(process.env['LIGHTHOUSE_DEBUG'] ? error.stack : error.message);
  process.exitCode = 1;
}
