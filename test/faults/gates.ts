import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyAll, waitForHealth } from '../../acceptance/apply';
import { Cluster, Refusal } from '../../acceptance/cluster';
import { ControlPlane } from '../../acceptance/control-plane';
import { customDefinitions } from '../../acceptance/definitions';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import { guarantees } from '../../guarantees/all';
import { findingsAgainst } from '../../guarantees/prove';
import type { Manifest } from '../../constructs/platform/manifest';
import { changesBetween } from '../../publishing/changes/changes';
import { dangersIn } from '../../publishing/safety/all';
import { readPrinted } from '../../synth/dist';
import type { Files } from '../../synth/memory';
import type { Platform } from '../../synth/platform';
import { printPlatform } from '../../synth/print';
import type { Gate, ObjectFault, TextFault } from './faults';

/** Where a mistake was caught, and what was said. */
export interface Caught {
  readonly fault: TextFault | ObjectFault;
  readonly gate: Gate | 'nothing';
  readonly message: string;
}

/** A mistake in the objects that no check has caught so far, and the files that it changed. */
interface Passing {
  readonly fault: ObjectFault;
  /** What is printed without the mistake, and with it. */
  readonly before: Files;
  readonly after: Files;
}

/** A check of many mistakes at once: what it says of each that it catches. */
type Judge = (passing: readonly Passing[]) => Promise<ReadonlyMap<ObjectFault, readonly string[]>>;

const root = join(__dirname, '..', '..');

/** Holds every mistake against one check after another, until one catches it. */
export async function catchAll(
  texts: readonly TextFault[],
  objects: readonly ObjectFault[],
): Promise<Caught[]> {
  const { platform: good, sound } = production();
  const caught = new Map<ObjectFault, Caught>();
  let passing: Passing[] = [];
  for (const fault of objects) {
    const platform = fault.edit(good);
    const findings = findingsAgainst(platform, guarantees);
    if (findings.length > 0) caught.set(fault, catching(fault, 'guarantees', findings));
    else passing.push({ fault, before: sound, after: printPlatform(platform) });
  }
  const judges: readonly (readonly [Gate, Judge])[] = [
    ['schemas', schemas],
    ['safety check', safetyCheck],
    ['API server', apiServer],
  ];
  for (const [gate, judge] of judges) {
    const said = await judge(passing);
    for (const [fault, lines] of said) caught.set(fault, catching(fault, gate, lines));
    passing = passing.filter(({ fault }) => !said.has(fault));
  }
  return [
    ...texts.map(inConfiguration),
    ...objects.map((fault) => caught.get(fault) ?? { fault, gate: 'nothing' as const, message: '' }),
  ];
}

/** Of several lines, the one that is expected, else the first; without the place, which is always the same. */
function catching(fault: Caught['fault'], gate: Gate, lines: readonly string[]): Caught {
  const line = lines.find((each) => each.includes(fault.says)) ?? lines[0] ?? '';
  const [first = ''] = line.split('\n');
  return { fault, gate, message: first.replace(/^production\/frankfurt\//, '') };
}

/** Production's first cluster as it is, and what it is printed as. */
function production(): { readonly platform: Platform; readonly sound: Files } {
  const { images, environments } = loadConfig(join(root, 'config'));
  const environment = environments.find((each) => each.environment === 'production');
  const cluster = environment?.clusters[0];
  if (!environment || !cluster) throw new Error('config/production.yaml: there is no cluster');
  const platform = buildPlatform(environment, cluster, images);
  return { platform, sound: printPlatform(platform) };
}

/** The files that a mistake changed. */
function changedIn({ before, after }: Passing): [file: string, text: string][] {
  return [...after].filter(([file, text]) => before.get(file) !== text);
}

function inConfiguration(fault: TextFault): Caught {
  return inTemporaryFolder((folder) => {
    cpSync(join(root, 'config'), folder, { recursive: true });
    const file = join(folder, 'production.yaml');
    const before = readFileSync(file, 'utf8');
    const after = before.replace(...fault.text);
    if (after === before) throw new Error(`config/production.yaml has no "${fault.text[0]}"`);
    writeFileSync(file, after);
    try {
      loadConfig(folder);
    } catch (error) {
      const lines = error instanceof Error ? error.message.split('\n') : [];
      // The folder is another at every run.
      return catching(
        fault,
        'configuration',
        lines.map((line) => line.replace(/^\S*production\.yaml/, 'production.yaml')),
      );
    }
    return { fault, gate: 'nothing', message: '' };
  });
}

/** The gate as people run it: every mistake's files in a cluster of its own. */
const schemas: Judge = async (passing) =>
  inTemporaryFolder((folder) => {
    passing.forEach((each, index) => {
      for (const [file, text] of changedIn(each)) {
        const path = join(folder, `${index}`, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
      }
    });
    const { stderr } = spawnSync(
      process.execPath,
      [join(root, 'scripts/run.mjs'), 'scripts/gate.ts', '--dist', folder],
      {
        encoding: 'utf8',
        cwd: folder,
      },
    );
    const lines = stderr.split('\n');
    return new Map(
      passing.flatMap(({ fault }, index) => {
        const own = lines.filter((line) => line.startsWith(`${index}/`));
        return own.length > 0 ? [[fault, own.map((line) => line.replace(/^\d+\/\S+\//, ''))] as const] : [];
      }),
    );
  });

/** As before a publication. */
const safetyCheck: Judge = async (passing) =>
  new Map(
    passing.flatMap(({ fault, before, after }) => {
      const dangers = dangersIn(changesBetween(before, after), 'forward');
      const lines = dangers.map(({ object, what, rule }) => `${object} ${what} (${rule})`);
      return lines.length > 0 ? [[fault, lines] as const] : [];
    }),
  );

/** A real API server, which keeps none of it; the namespaces must be there. */
const apiServer: Judge = async (passing) => {
  const { sound } = production();
  const plane = await ControlPlane.start();
  const cluster = await Cluster.connect(plane.kubeconfig);
  try {
    const objects = [...sound].map(([file, text]) => readPrinted(file, text));
    const definitions = customDefinitions();
    await Promise.all(definitions.map((definition) => cluster.apply(definition)));
    await waitForHealth(cluster, definitions, 60);
    await applyAll(
      cluster,
      objects.filter(({ manifest }) => manifest.kind === 'Namespace'),
    );
    const said = new Map<ObjectFault, string[]>();
    for (const each of passing) {
      for (const [file, text] of changedIn(each)) {
        const refusal = await refusalOf(cluster, readPrinted(file, text).manifest);
        if (refusal !== undefined) said.set(each.fault, [...(said.get(each.fault) ?? []), refusal]);
      }
    }
    return said;
  } finally {
    cluster.close();
    await plane.stop();
  }
};

async function refusalOf(cluster: Cluster, manifest: Manifest): Promise<string | undefined> {
  try {
    await cluster.apply(manifest, true);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.message;
  }
}

function inTemporaryFolder<T>(action: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  try {
    return action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
