import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { rightSize, VerticalPodAutoscaler } from '../capacity/rightsizing';
import { buildPlatform } from '../charts/platform';
import { imagesFile, loadConfig } from '../config/load';
import { guarantees } from '../guarantees/all';
import { findingsAgainst } from '../guarantees/prove';
import { Misuse, runCommand } from './command';

const USAGE = `usage: npm run rightsizing -- (--recommendations FILE | --kubeconfig FILE) [OPTION ...]

Turns what a vertical pod autoscaler recommends into a diff of an environment's file. A value within the recommended bounds
stays; none is more than halved at once. The changed file is loaded, built and held against all guarantees, budgets among
them; nothing is written.

  --recommendations FILE  what \`kubectl get vpa -A -o json\` printed
  --kubeconfig FILE       ask this cluster instead
  --environment NAME      which environment (default: production)
  --config DIR            folder with the environment files and images.yaml (default: config)
  --help                  show this

Exit status 1 where the changed file does not hold a guarantee.`;

function autoscalers(file: string | undefined, kubeconfig: string | undefined): VerticalPodAutoscaler[] {
  if ((file === undefined) === (kubeconfig === undefined))
    throw new Misuse('give either --recommendations or --kubeconfig');
  const ask = ['get', 'verticalpodautoscalers.autoscaling.k8s.io', '--all-namespaces', '--output=json'];
  const text =
    file === undefined
      ? execFileSync('kubectl', [`--kubeconfig=${kubeconfig}`, ...ask], { encoding: 'utf8' })
      : readFileSync(file, 'utf8');
  const { items } = JSON.parse(text) as { items?: VerticalPodAutoscaler[] };
  if (!Array.isArray(items)) throw new Error(`${file ?? 'kubectl'}: must be a list with items`);
  return items;
}

/** What rules and guarantees have against an environment's file. */
function findingsIn(folder: string, file: string): string[] {
  const { environments, images } = loadConfig(folder, [file]);
  return environments.flatMap((environment) =>
    environment.clusters.flatMap((cluster) =>
      findingsAgainst(buildPlatform(environment, cluster, images), guarantees),
    ),
  );
}

function main(): number {
  const { values } = parseArgs({
    options: {
      recommendations: { type: 'string' },
      kubeconfig: { type: 'string' },
      environment: { type: 'string', default: 'production' },
      config: { type: 'string', default: join(__dirname, '..', 'config') },
    },
  });
  const recommended = autoscalers(values.recommendations, values.kubeconfig);
  const file = join(values.config, `${values.environment}.yaml`);
  const { text, changes, skipped } = rightSize(readFileSync(file, 'utf8'), recommended);
  for (const each of skipped) console.error(`left alone: ${each}`);
  if (changes.length === 0) {
    console.log('every value lies within what is recommended');
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'rightsizing-'));
  try {
    const changed = join(folder, `${values.environment}.yaml`);
    writeFileSync(changed, text);
    copyFileSync(imagesFile(values.config), imagesFile(folder));
    const name = relative(process.cwd(), file);
    const labels = [`--label=a/${name}`, `--label=b/${name}`];
    const { stdout, error } = spawnSync('diff', ['-u', ...labels, file, changed], { encoding: 'utf8' });
    if (error) throw error;
    console.log(stdout);
    const findings = findingsIn(folder, changed);
    const against = findings.map((each) => `\n  ${each}`).join('');
    console.log(
      findings.length === 0 ? 'with these, all rules and guarantees hold' : `these do not hold:${against}`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

runCommand(USAGE, main);
