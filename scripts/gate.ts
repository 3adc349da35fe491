import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KUBERNETES } from './imports/sources';
import { KUBECONFORM, toolPath } from './tools';
import { columns } from './columns';
import { runCommand } from './command';

const USAGE = `usage: npm run gate [-- --dist DIR]

Validates every file of dist/ against the schemas in imports/, strictly and offline, for each supported version of
Kubernetes (${KUBERNETES.supported.join(', ')}). Fails where a file is not valid, where a
resource has no schema, and where the validator saw another number of resources than the files hold.

  --dist DIR   the folder to validate (default: dist)
  --help       show this`;

const root = join(__dirname, '..');
const schemas = join(root, 'imports', 'schemas');

/** What kubeconform says of one resource that is not valid. */
interface Complaint {
  readonly filename: string;
  readonly status: string;
  readonly msg: string;
}

interface Verdict {
  readonly version: string;
  readonly seconds: number;
  readonly resources: readonly Complaint[];
  readonly summary: {
    readonly valid: number;
    readonly invalid: number;
    readonly errors: number;
    readonly skipped: number;
  };
}

const seen = ({ valid, invalid, errors, skipped }: Verdict['summary']): number =>
  valid + invalid + errors + skipped;

/** Counts the YAML documents in a text; comments alone are none. */
const documentsIn = (text: string): number =>
  text.split(/^---(?=\s|$)/m).filter((document) => /^\s*[^\s#]/m.test(document)).length;

const validate = (kubeconform: string, version: string, dist: string): Promise<Verdict> => {
  const started = performance.now();
  const args = [
    '-strict',
    '-summary',
    ...['-output', 'json'],
    ...['-n', '1'],
    ...['-kubernetes-version', version],
    ...[
      '-schema-location',
      join(schemas, 'kubernetes/{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json'),
    ],
    ...['-schema-location', join(schemas, 'crds/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json')],
    dist,
  ];
  return new Promise((done, fail) => {
    const child = spawn(kubeconform, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    child.on('error', fail);
    child.on('close', () => {
      try {
        const result = JSON.parse(output) as Pick<Verdict, 'resources' | 'summary'>;
        done({ ...result, version, seconds: (performance.now() - started) / 1000 });
      } catch {
        fail(new Error(`kubeconform for Kubernetes ${version} gave no result:\n${complaints || output}`));
      }
    });
  });
};

/** Runs tasks, as many at a time as there are processors, and keeps their order. */
const parallel = async <A, B>(items: readonly A[], task: (item: A) => Promise<B>): Promise<B[]> => {
  const results: B[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await task(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
};

/** The faults in one complaint, each with its path in the resource. */
const faultsOf = ({ status, msg }: Complaint): string[] => {
  // The structured errors beside this text stop at the first reference between schemas; the text goes to the field.
  const faults = [...msg.matchAll(/- at '(.*?)': (.*?)(?=\s+- at '|$)/g)]
    .map(([, path, fault]) => `${path || '/'}: ${fault}`)
    .filter((fault) => !fault.endsWith(': validation failed'));
  if (faults.length > 0) return faults;
  const remedy = msg.startsWith('could not find schema')
    ? '; a kind is declared in scripts/imports/sources.ts and made with `npm run imports`'
    : '';
  return [`${status === 'statusError' ? '' : `${status}: `}${msg}${remedy}`];
};

/** What is wrong in one version: each fault with its file, then whatever was not looked at. */
const findingsIn = ({ resources, summary }: Verdict, documents: number): string[] => [
  ...resources.flatMap((complaint) =>
    faultsOf(complaint).map((fault) => `${relative(process.cwd(), complaint.filename)}: ${fault}`),
  ),
  ...(seen(summary) === documents
    ? []
    : [`the validator saw ${seen(summary)} resources, the files hold ${documents}`]),
  ...(summary.skipped === 0 ? [] : [`resources skipped: ${summary.skipped}`]),
];

/** Says once what is wrong in several versions. */
const merge = (
  findings: readonly { readonly version: string; readonly lines: readonly string[] }[],
): string[] => {
  const versions = new Map<string, string[]>();
  for (const { version, lines } of findings) {
    for (const line of lines) versions.set(line, [...(versions.get(line) ?? []), version]);
  }
  const where = (found: readonly string[]): string =>
    found.length < findings.length ? ` (in Kubernetes ${found.join(', ')} only)` : '';
  return [...versions].map(([line, found]) => line + where(found)).sort();
};

/** Validates a folder; what it finds wrong, one line each. */
const gate = async (dist: string): Promise<string[]> => {
  const entries = existsSync(dist) ? readdirSync(dist, { recursive: true, withFileTypes: true }) : [];
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const manifests = files.filter((file) => file.endsWith('.yaml'));
  if (manifests.length === 0) return [`${dist} has no manifests: run \`npm run synth\` first`];
  const documents = manifests.reduce((sum, file) => sum + documentsIn(readFileSync(file, 'utf8')), 0);

  const kubeconform = toolPath(KUBECONFORM);
  const verdicts = await parallel(KUBERNETES.supported, (version) => validate(kubeconform, version, dist));
  const rows = verdicts.map(({ version, summary, seconds }) => {
    const { valid, invalid, errors, skipped } = summary;
    return [version, manifests.length, seen(summary), valid, invalid, errors, skipped, seconds.toFixed(1)];
  });
  console.log(
    columns([
      ['Kubernetes', 'files', 'resources', 'valid', 'invalid', 'errors', 'skipped', 'seconds'],
      ...rows,
    ]),
  );

  const foreign = files.filter((file) => !file.endsWith('.yaml'));
  return [
    ...foreign.map((file) => `${relative(process.cwd(), file)}: not a .yaml file, so nothing validates it`),
    ...merge(
      verdicts.map((verdict) => ({ version: verdict.version, lines: findingsIn(verdict, documents) })),
    ),
  ];
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { dist: { type: 'string' } } });
  const findings = await gate(values.dist === undefined ? join(root, 'dist') : resolve(values.dist));
  if (findings.length > 0) console.error(`${findings.join('\n')}\ngate failed, findings: ${findings.length}`);
  return findings.length > 0 ? 1 : 0;
};

runCommand(USAGE, main);
