/**
 * Reads the Dockerfiles in the programs that know them: BuildKit's own parser and linter, and hadolint, which has shellcheck
 * for what they run. What a build would be given is told by the library that BuildKit reads `.dockerignore` with.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findPrograms } from '../../acceptance/programs';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import { BRIDGE } from '../../constructs/bridge-with-fuse/settings';
import { containersOf, workloadOf } from '../../constructs/platform/workloads';
import type { Container, PodSpec } from '../../imports/k8s';
import { tunnel } from './images-tunnel';
import { packagesOf } from './python-packages';
import type { Report } from './report';

const run = promisify(execFile);
const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? process.cwd();
const FOLDER = join(ROOT, 'images');

/** Files that somebody may have beside a Dockerfile, and that must never reach a build. */
const SECRETS = [
  '.env',
  '.env.production',
  '.git/config',
  '.netrc',
  'id_ed25519',
  'tls.key',
  'kubeconfig',
  'secrets/token',
  'data/events/events_000001.log',
  'event_store_migration/__pycache__/event.cpython-311.pyc',
  'event_store_migration.env',
];

/** What a program says of a Dockerfile, and of a folder that is given to its build. */
interface Answer {
  readonly warnings: readonly { readonly rule: string; readonly text: string; readonly line: number }[];
  readonly arguments: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
  readonly image: Image;
  readonly sent: readonly string[];
}

interface Stage {
  readonly name: string;
  readonly base: string;
  readonly copied: readonly { readonly from: string; readonly sources: readonly string[] }[];
}

interface Image {
  readonly user: string;
  readonly workDir: string;
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly health: readonly string[] | null;
  readonly ports: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
}

type Read = (dockerfile: string, folder: string) => Promise<Answer>;

export async function check(report: Report): Promise<void> {
  const { dockerfile } = await findPrograms(['dockerfile'], console.error);
  const programs = await packagesOf(join(__dirname, 'hadolint.txt'));
  const read: Read = async (file, folder) => {
    const { stdout } = await run(dockerfile, [file, folder]);
    return JSON.parse(stdout) as Answer;
  };
  const images = readdirSync(FOLDER).filter((name) => existsSync(join(FOLDER, name, 'Dockerfile')));
  const answers = new Map<string, Answer>();
  for (const name of images) {
    const folder = join(FOLDER, name);
    const answer = await read(join(folder, 'Dockerfile'), folder);
    answers.set(name, answer);
    const found = answer.warnings.map(({ line, rule, text }) => `${line} ${rule}: ${text}`);
    report(`${name}: BuildKit's linter finds nothing`, found.length === 0, found.join('; '));
    await hadolint(report, name, join(programs, 'hadolint'));
    await context(report, name, read);
    form(report, name, answer);
    locks(report, name);
  }
  await sourceOfMigration(report, read);
  await mistakes(report, read, join(programs, 'hadolint'));
  bases(report, answers);
  asTheConstructsHaveIt(report, answers);
  await tunnel(report);
}

async function hadolint(report: Report, name: string, program: string): Promise<void> {
  const found = await lint(program, join(FOLDER, name, 'Dockerfile'));
  report(`${name}: hadolint finds nothing`, found === '', found);
}

async function lint(program: string, file: string): Promise<string> {
  const args = ['--no-color', '--config', join(FOLDER, '.hadolint.yaml'), file];
  return run(program, args).then(
    ({ stdout }) => stdout.trim(),
    (error: { stdout?: string; message: string }) => error.stdout?.trim() || error.message,
  );
}

/** What is sent is what is copied, whatever else lies in the folder. */
async function context(report: Report, name: string, read: Read): Promise<void> {
  const { stages, sent } = await withSecrets(join(FOLDER, name), (folder) =>
    read(join(folder, 'Dockerfile'), folder),
  );
  const copied = stages.flatMap((stage) => stage.copied.filter(({ from }) => from === ''));
  const sources = copied.flatMap(({ sources }) => sources).toSorted();
  report(`${name}: nothing but what is copied is sent`, sent.join() === sources.join(), sent.join(', '));
}

/** The migration's folder is a context too; tests and settings stay out of it. */
async function sourceOfMigration(report: Report, read: Read): Promise<void> {
  const { sent } = await withSecrets(join(ROOT, 'migration'), (folder) =>
    read(join(FOLDER, 'event-store-migration', 'Dockerfile'), folder),
  );
  const others = sent.filter(
    (file) => !/^(requirements\.txt|event_store_migration\/\w+\.(py|sql))$/.test(file),
  );
  const isWhole = sent.includes('requirements.txt') && sent.includes('event_store_migration/__main__.py');
  report(
    'event-store-migration: its source is sent, and nothing else',
    isWhole && others.length === 0,
    others.join(', '),
  );
}

async function withSecrets<Result>(
  folder: string,
  action: (copy: string) => Promise<Result>,
): Promise<Result> {
  const copy = mkdtempSync(join(tmpdir(), 'images-'));
  try {
    cpSync(folder, copy, { recursive: true });
    for (const file of SECRETS) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      writeFileSync(join(copy, file), 'must not be sent');
    }
    return await action(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What every image has in common. */
function form(report: Report, name: string, { stages, image, arguments: given }: Answer): void {
  report(`${name}: runs as user 1000, by number`, image.user === '1000:1000', image.user);
  const loose = Object.values(given).filter(
    (base) => !/^[\w.-]+\.[\w.-]+(\/[\w-]+)+:\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/.test(base),
  );
  report(`${name}: bases have a registry and an exact tag`, loose.length === 0, loose.join(', '));
  const named = new Set(['scratch', ...Object.keys(given).map((argument) => `\${${argument}}`)]);
  const other = stages.map(({ base }) => base).filter((base) => !named.has(base));
  report(`${name}: every base can be replaced by an argument`, other.length === 0, other.join(', '));
  report(`${name}: says how it is looked at`, image.health !== null);
}

/** Every package by version and hash, and as its source asks for it. */
function locks(report: Report, name: string): void {
  for (const source of readdirSync(join(FOLDER, name)).filter((file) => file.endsWith('requirements.in'))) {
    const file = source.replace(/in$/, 'txt');
    const text = readFileSync(join(FOLDER, name, file), 'utf8');
    const blocks = text.split(/^(?=[A-Za-z0-9])/m).filter((block) => !block.startsWith('#'));
    const loose = blocks.filter(
      (block) => !/^[\w.-]+(\[\w+\])?==\S+ \\\n(\s+--hash=sha256:[0-9a-f]{64}( \\)?\n)+/.test(block),
    );
    report(
      `${name}: ${file} names versions and hashes`,
      blocks.length > 0 && loose.length === 0,
      loose.join('; '),
    );
    const asked = readFileSync(join(FOLDER, name, source), 'utf8').match(/^[^#\n].*$/gm) ?? [];
    const missing = asked.filter((line) => !blocks.some((block) => block.startsWith(`${line} \\`)));
    report(`${name}: ${file} is of ${source}`, missing.length === 0, missing.join(', '));
  }
}

/** That the programs see what they are asked for. */
async function mistakes(report: Report, read: Read, program: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'images-'));
  const file = join(folder, 'Dockerfile');
  try {
    writeFileSync(join(folder, '.dockerignore'), '');
    writeFileSync(file, 'FROM docker.io/library/debian as base\nMAINTAINER somebody\nRUN cd $FOLDER && ls\n');
    const { warnings, sent } = await read(file, folder);
    const rules = warnings.map(({ rule }) => rule).toSorted();
    report(
      "BuildKit's linter sees mistakes",
      rules.join() === 'FromAsCasing,MaintainerDeprecated',
      rules.join(', '),
    );
    report('without a list everything is sent', sent.join() === '.dockerignore,Dockerfile', sent.join(', '));
    const found = await lint(program, file);
    const wanted = ['DL3006', 'DL4000', 'SC2086'];
    report(
      'hadolint sees mistakes',
      wanted.every((rule) => found.includes(rule)),
      found,
    );
    writeFileSync(file, 'FROM\n');
    const said = await read(file, folder).then(
      () => 'taken',
      (error: Error) => error.message,
    );
    report('what is no Dockerfile is refused', said.includes('FROM requires'), said);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One Python for all, whose layers they share; and config/ names what is built here, the file system on the bridge. */
function bases(report: Report, answers: ReadonlyMap<string, Answer>): void {
  const pythons = new Set([...answers.values()].flatMap(({ arguments: given }) => given['PYTHON'] ?? []));
  report('all have the same Python', pythons.size === 1, [...pythons].join(', '));
  const { images } = loadConfig(join(ROOT, 'config'));
  const named = (['bridge', 'fuse', 'eventStoreMigration'] as const).map((name) =>
    images(name).replace(/@.*/, ''),
  );
  const unknown = named.filter((image) => !answers.has(/([^/:]+):[^/:]+$/.exec(image)?.[1] ?? ''));
  report('config/images.yaml names what is built here', unknown.length === 0, unknown.join(', '));
  const base = answers.get('fuse')?.arguments['BRIDGE'];
  report('fuse: stands on the bridge of config/images.yaml', base === named[0], base);
}

/** What the constructs give to containers of these images is what the images do by themselves. */
function asTheConstructsHaveIt(report: Report, answers: ReadonlyMap<string, Answer>): void {
  const { images, environments } = loadConfig(join(ROOT, 'config'));
  const pods = environments.flatMap((environment) =>
    environment.clusters.flatMap((cluster) =>
      buildPlatform(environment, cluster, images).objects.flatMap(
        ({ manifest }) => workloadOf(manifest)?.pod ?? [],
      ),
    ),
  );
  for (const [name, image, container] of [
    ['bridge', 'bridge', BRIDGE.container],
    ['event-store-migration', 'eventStoreMigration', 'migration'],
  ] as const) {
    const found = pods.flatMap((pod) =>
      containersOf(pod)
        .filter((each) => each.name === container && each.image === images(image))
        .map((each) => ({ pod, container: each })),
    );
    report(`${name}: runs somewhere`, found.length > 0, `${found.length} pods`);
    const wrong = found.flatMap((each) => differences(answers.get(name)?.image, each.pod, each.container));
    report(`${name}: is what the construct makes of it`, wrong.length === 0, [...new Set(wrong)].join('; '));
  }
}

function differences(image: Image | undefined, pod: PodSpec, container: Container): string[] {
  const { runAsUser, runAsGroup } = pod.securityContext ?? {};
  const port = container.ports?.[0]?.containerPort;
  const health = container.livenessProbe?.httpGet;
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ['command', image?.entrypoint ?? image?.command, container.command],
    ['user', image?.user, `${runAsUser}:${runAsGroup}`],
    ['working directory', image?.workDir, container.workingDir ?? image?.workDir],
    ['port', image?.ports ?? [], port === undefined ? [] : [String(port)]],
    ['health', image?.health?.at(-1), health ? `http://127.0.0.1:${port}${health.path}` : 'NONE'],
    ...(container.env ?? [])
      .filter((variable) => variable.name.startsWith('PYTHON'))
      .map((variable) => [variable.name, image?.env[variable.name], variable.value] as const),
  ];
  return facts
    .filter(([, ours, theirs]) => JSON.stringify(ours) !== JSON.stringify(theirs))
    .map(
      ([what, ours, theirs]) => `${what} is ${JSON.stringify(ours)} here, ${JSON.stringify(theirs)} there`,
    );
}
