import { relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { synthesize } from './synth/synthesize';
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
  // scripts/run.mjs knows which program this is; where nothing does, nothing is remembered.
  const files = synthesize(values.config, values['no-cache'] ? undefined : process.env['LIGHTHOUSE_PROGRAM']);
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
