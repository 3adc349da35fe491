import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KUBERNETES } from './imports/sources';
import { KUBECONFORM, toolPath } from './tools';

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
  readonly kind: string;
  readonly name: string;
  readonly status: string;
  readonly msg: string;
  readonly validationErrors?: readonly { readonly path: string; readonly msg: string }[];
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

/** One line per fault and file, with the versions it is a fault in. */
const complaintsOf = (verdicts: readonly Verdict[], dist: string): string[] => {
  const versions = new Map<string, string[]>();
  for (const { version, resources } of verdicts) {
    for (const { filename, kind, name, status, msg, validationErrors = [] } of resources) {
      const where = `${relative(process.cwd(), filename)}: ${kind || 'unknown kind'} ${name}`.trimEnd();
      const faults = validationErrors.map((fault) => `${fault.path || '/'}: ${fault.msg}`);
      for (const fault of faults.length > 0
        ? faults
        : [`${status.replace('status', '').toLowerCase()}: ${msg}`]) {
        const line = `${where}: ${fault}`;
        versions.set(line, [...(versions.get(line) ?? []), version]);
      }
    }
  }
  const inSome = (found: readonly string[]): string =>
    found.length < verdicts.length ? ` (${found.join(', ')})` : '';
  return [...versions].map(([line, found]) => line + inSome(found)).sort();
};

const table = (rows: readonly (readonly (string | number)[])[]): string => {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => String(row[column]).length))) ?? [];
  return rows
    .map((row) => row.map((cell, column) => String(cell).padStart(widths[column] ?? 0)).join('  '))
    .join('\n');
};

/** Validates a folder; what it finds wrong, one line each. */
const gate = async (dist: string): Promise<string[]> => {
  const entries = existsSync(dist) ? readdirSync(dist, { recursive: true, withFileTypes: true }) : [];
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) return [`${dist} has no files: run \`npm run synth\` first`];
  const foreign = files.filter((file) => !file.endsWith('.yaml'));
  const documents = files.reduce((sum, file) => sum + documentsIn(readFileSync(file, 'utf8')), 0);

  const kubeconform = toolPath(KUBECONFORM);
  const verdicts = await parallel(KUBERNETES.supported, (version) => validate(kubeconform, version, dist));
  const columns = ['Kubernetes', 'files', 'resources', 'valid', 'invalid', 'errors', 'skipped', 'seconds'];
  const counted = verdicts.map(({ version, summary, seconds }) => {
    const { valid, invalid, errors, skipped } = summary;
    return {
      version,
      seconds,
      valid,
      invalid,
      errors,
      skipped,
      resources: valid + invalid + errors + skipped,
    };
  });
  const rows = counted.map(({ version, resources, valid, invalid, errors, skipped, seconds }) => [
    ...[version, files.length, resources, valid, invalid, errors, skipped],
    seconds.toFixed(1),
  ]);
  console.log(table([columns, ...rows]));

  return [
    ...foreign.map((file) => `${relative(process.cwd(), file)}: not a .yaml file, so nothing validates it`),
    ...complaintsOf(verdicts, dist),
    ...counted
      .filter(({ resources }) => resources !== documents)
      .map(
        ({ version, resources }) =>
          `${version}: the validator saw ${resources} resources, the files hold ${documents}`,
      ),
    ...counted
      .filter(({ skipped }) => skipped > 0)
      .map(({ version, skipped }) => `${version}: ${skipped} resources skipped`),
  ];
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { dist: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const findings = await gate(values.dist === undefined ? join(root, 'dist') : resolve(values.dist));
  if (findings.length > 0) console.error(`\n${findings.join('\n')}\n\ngate: ${findings.length} findings`);
  return findings.length > 0 ? 1 : 0;
};

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
