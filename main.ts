import { relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPlatform } from './charts/platform';
import { loadConfig } from './config/load';
import { guarantees } from './guarantees/all';
import { findingsAgainst, GuaranteeError } from './guarantees/prove';
import { printPlatform } from './synth/print';
import { replaceFolder } from './synth/write';

const USAGE = `usage: npm run synth [-- OPTION ...]      (or: npx cdk8s synth)

Turns every environment file into Kubernetes manifests: all of them are written, or none.

  --config DIR     folder with the environment files and images.yaml    (default: config)
  --output DIR     folder to replace                                    (default: dist, or what the cdk8s CLI says)
  --help           this text`;

/** Whether a path is a folder or lies below it. */
function isInside(path: string, folder: string): boolean {
  return !relative(folder, path).split(sep).includes('..');
}

function main(): void {
  const { values } = parseArgs({
    options: {
      config: { type: 'string', default: 'config' },
      output: { type: 'string', default: process.env['CDK8S_OUTDIR'] ?? 'dist' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);

  if (isInside(values.config, values.output))
    throw new Error(
      `--output ${values.output} is to be replaced and holds the configuration, ${values.config}`,
    );
  const { images, environments } = loadConfig(values.config);
  const findings: string[] = [];
  const files = new Map<string, string>();
  for (const environment of environments) {
    for (const cluster of environment.clusters) {
      // One at a time: what is kept of a hundred clusters is their text.
      const platform = buildPlatform(environment, cluster, images);
      findings.push(...findingsAgainst(platform, guarantees));
      for (const [file, text] of printPlatform(platform)) files.set(file, text);
    }
  }
  if (findings.length > 0) throw new GuaranteeError(findings);
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
