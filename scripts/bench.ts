import { spawnSync } from 'node:child_process';
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
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import type { Environment } from '../config/schema';
import { Misuse, runCommand } from './command';
import { type Tool, toolPath } from './tools';

const USAGE = `usage: npm run bench [-- --runs N] [--check]

Times a synth of all environments beside the same objects through helm and kustomize, and synths of 1, 10 and 100
clusters. What is timed is the app command of cdk8s.yaml, warm: once with environments that were printed before, and
otherwise made anew (--no-cache). The CLI's own start stands beside it.

  --runs N   runs of each command, of which the median counts (default: 7)
  --check    exit 1 where a target is missed
  --help     show this`;

const HELM: Tool = {
  name: 'helm',
  version: 'v3.22.0',
  package: 'helm.sh/helm/v3/cmd/helm',
  releases: 'https://github.com/helm/helm/releases',
};

const KUSTOMIZE: Tool = {
  name: 'kustomize',
  version: 'v5.8.2',
  package: 'sigs.k8s.io/kustomize/kustomize/v5',
  releases: 'https://github.com/kubernetes-sigs/kustomize/releases',
};

interface Measurement {
  readonly name: string;
  /** Median wall time in milliseconds. */
  readonly wall: number;
  /** Fastest and slowest run, milliseconds. */
  readonly range: readonly [number, number];
  /** Peak memory of the synth itself, MiB. */
  readonly memory?: number;
  readonly objects: number;
}

interface Target {
  readonly name: string;
  readonly met: boolean;
  readonly figure: string;
}

const root = resolve(__dirname, '..');
const { app } = parse(readFileSync(join(root, 'cdk8s.yaml'), 'utf8')) as { app: string };

/** Runs a command some times after one that does not count, each after some preparation that does not count either. */
function time(
  name: string,
  runs: number,
  objects: number,
  command: string,
  prepare: () => void = () => undefined,
  memoryFile?: string,
): Measurement {
  const walls = Array.from({ length: runs + 1 }, () => {
    prepare();
    const start = process.hrtime.bigint();
    const { status, stderr } = spawnSync('sh', ['-c', command], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    });
    if (status !== 0) throw new Error(`${command}\nexited with ${status}:\n${stderr}`);
    return Number(process.hrtime.bigint() - start) / 1e6;
  });
  const counted = walls.slice(1).sort((a, b) => a - b);
  return {
    name,
    wall: counted[Math.floor(counted.length / 2)] ?? 0,
    range: [counted[0] ?? 0, counted.at(-1) ?? 0],
    memory: memoryFile === undefined ? undefined : Number(readFileSync(memoryFile, 'utf8')) / 1024,
    objects,
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
}

/** A folder of environments, and the command that synthesizes it. */
class Synth {
  readonly output: string;
  readonly command: string;
  private readonly memoryFile: string;

  constructor(
    private readonly work: string,
    private readonly name: string,
    config: string,
    flags = '',
  ) {
    this.output = join(work, `${name}-dist`);
    this.memoryFile = join(work, `${name}-memory`);
    this.command = `${app} --config '${config}' --output '${this.output}' ${flags}`;
  }

  measure(runs: number): Measurement {
    // The peak is the process' own figure, written when it ends.
    const hook = join(this.work, 'memory.cjs');
    writeFileSync(
      hook,
      `process.on('exit', () => require('node:fs').writeFileSync(process.env.MEMORY_FILE, String(process.resourceUsage().maxRSS)));`,
    );
    spawnSync('sh', ['-c', this.command], { cwd: root });
    const objects = filesBelow(this.output).length;
    const measured = `MEMORY_FILE='${this.memoryFile}' NODE_OPTIONS='--require ${hook}' ${this.command}`;
    // The CLI empties the folder before it starts the app.
    const empty = () => rmSync(this.output, { recursive: true, force: true });
    return time(this.name, runs, objects, measured, empty, this.memoryFile);
  }
}

/** The objects of a dist folder as one Helm chart. */
function helmChart(dist: string, work: string): string {
  const chart = join(work, 'chart');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: bench\nversion: 0.0.1\n');
  for (const file of filesBelow(dist)) {
    // Text that looks like a template must come out as it is.
    const text = readFileSync(join(dist, file), 'utf8').replace(/\{\{/g, '{{ "{{" }}');
    writeFileSync(join(chart, 'templates', file.replace(/\//g, '__')), text);
  }
  return chart;
}

/** The objects of a dist folder as one kustomization per cluster: two objects of one name cannot be in one. */
function kustomizations(dist: string, work: string): string[] {
  const copy = join(work, 'kustomize');
  cpSync(dist, copy, { recursive: true });
  const clusters = new Map<string, string[]>();
  for (const file of filesBelow(copy)) {
    const [environment = '', cluster = '', ...rest] = file.split('/');
    const folder = join(copy, environment, cluster);
    clusters.set(folder, [...(clusters.get(folder) ?? []), rest.join('/')]);
  }
  for (const [folder, resources] of clusters) {
    writeFileSync(join(folder, 'kustomization.yaml'), stringify({ resources }));
  }
  return [...clusters.keys()];
}

/** A configuration like production's with some number of clusters. */
function scaledConfig(clusters: number, work: string): string {
  const folder = join(work, `config-${clusters}`);
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'config', 'images.yaml'), join(folder, 'images.yaml'));
  const environment = parse(readFileSync(join(root, 'config', 'staging.yaml'), 'utf8')) as Environment;
  const [first] = environment.clusters;
  const scaled = Array.from({ length: clusters }, (_, index) => ({
    ...first,
    name: `cluster-${index + 1}`,
    role: index === 0 ? 'primary' : 'standby',
  }));
  writeFileSync(join(folder, 'staging.yaml'), stringify({ ...environment, clusters: scaled }));
  return folder;
}

function print(rows: readonly Measurement[]): void {
  console.log(
    `${'what'.padEnd(28)}${'objects'.padStart(9)}${'median ms'.padStart(11)}${'min-max'.padStart(14)}${'MiB'.padStart(7)}`,
  );
  for (const { name, objects, wall, range, memory } of rows) {
    const [low, high] = range.map((value) => value.toFixed(0));
    console.log(
      name.padEnd(28) +
        String(objects).padStart(9) +
        wall.toFixed(0).padStart(11) +
        `${low}-${high}`.padStart(14) +
        (memory?.toFixed(0) ?? '').padStart(7),
    );
  }
}

function times(one: Measurement, other: Measurement): string {
  return `${(one.wall / other.wall).toFixed(2)} times`;
}

/** Milliseconds per object between two sizes, so that what a start costs is not counted. */
function perObject(small: Measurement, large: Measurement): number {
  return (large.wall - small.wall) / (large.objects - small.objects);
}

function bench(runs: number, work: string): readonly Target[] {
  const helm = toolPath(HELM);
  const kustomize = toolPath(KUSTOMIZE);
  const all = new Synth(work, 'synth, nothing changed', 'config');
  const synth = all.measure(runs);
  const anew = new Synth(work, 'synth, all made anew', 'config', '--no-cache').measure(runs);
  const chart = helmChart(all.output, work);
  const folders = kustomizations(all.output, work);
  const peers = [
    time('helm template', runs, synth.objects, `'${helm}' template bench '${chart}' > /dev/null`),
    time(
      'kustomize build',
      runs,
      synth.objects,
      folders.map((folder) => `'${kustomize}' build '${folder}' > /dev/null`).join(' && '),
    ),
    time('cdk8s CLI, start alone', Math.min(runs, 3), 0, 'npx --no-install cdk8s --version > /dev/null'),
  ];
  const scaled = [1, 10, 100].map((clusters) => {
    const config = scaledConfig(clusters, work);
    return new Synth(
      work,
      `anew, ${clusters} cluster${clusters === 1 ? '' : 's'}`,
      config,
      '--no-cache',
    ).measure(Math.min(runs, 5));
  });
  print([synth, anew, ...peers, ...scaled]);

  const [helmRun, kustomizeRun] = peers;
  const [one, ten, hundred] = scaled;
  if (!helmRun || !kustomizeRun || !one || !ten || !hundred) return [];
  const early = perObject(one, ten);
  const late = perObject(ten, hundred);
  const memory = hundred.memory ?? Infinity;
  return [
    {
      name: 'at most 1.5 times helm, nothing changed',
      met: synth.wall <= 1.5 * helmRun.wall,
      figure: `${times(synth, helmRun)}; all made anew: ${times(anew, helmRun)}`,
    },
    {
      name: 'below kustomize, all made anew',
      met: anew.wall < kustomizeRun.wall,
      figure: `${times(anew, kustomizeRun)}; nothing changed: ${times(synth, kustomizeRun)}`,
    },
    {
      name: 'cost per object grows by at most 20 %',
      met: late <= 1.2 * early,
      figure: `${early.toFixed(3)} ms from 1 to 10 clusters, ${late.toFixed(3)} ms from 10 to 100`,
    },
    { name: 'under 1 GiB at 100 clusters', met: memory < 1024, figure: `${memory.toFixed(0)} MiB` },
  ];
}

/**
 * Files in memory where that can be had: a run empties and fills folders many times, and ext4, which for minutes passes over
 * every inode that was freed (`recently_deleted`), makes each run pay for the ones before it, up to 0.7 ms a file.
 */
function workFolder(): string {
  const inMemory = '/dev/shm';
  return existsSync(inMemory) ? inMemory : tmpdir();
}

function main(): number {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '7' },
      check: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Misuse(`--runs must be a whole number from 1, got "${values.runs}"`);
  const work = mkdtempSync(join(workFolder(), 'bench-'));
  try {
    const targets = bench(runs, work);
    for (const { name, met, figure } of targets)
      console.log(`${met ? 'met   ' : 'MISSED'} ${name}: ${figure}`);
    return values.check && !targets.every(({ met }) => met) ? 1 : 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

runCommand(USAGE, main);
