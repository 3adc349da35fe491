import { wantedOf, wavesOf } from '../../acceptance/apply';
import type { Cluster, Live } from '../../acceptance/cluster';
import { applyAll } from '../../acceptance/apply';
import { Refusal } from '../../acceptance/cluster';
import type { Phase } from '../../charts/phase-chart';
import type { Manifest } from '../../constructs/platform/manifest';
import type { Printed } from '../../synth/dist';

const object = (kind: string, name: string, annotations: Record<string, string> = {}): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, annotations },
});

const printed = (phase: Phase, wave: number, name: string): Printed => ({
  file: `${name}.yaml`,
  environment: 'staging',
  cluster: 'staging',
  phase,
  manifest: object('ConfigMap', name, { 'argocd.argoproj.io/sync-wave': String(wave) }),
});

test('waves come phase by phase, and by number within: ten after nine', () => {
  const waves = wavesOf([
    printed('validation', 0, 'last'),
    printed('foundation', 10, 'ten'),
    printed('foundation', 9, 'nine'),
    printed('bootstrap', 3, 'first'),
    printed('foundation', -1, 'early'),
    printed('foundation', 9, 'nine too'),
  ]);
  expect(waves.map(({ name, objects }) => [name, objects.length])).toEqual([
    ['bootstrap, wave 3', 1],
    ['foundation, wave -1', 1],
    ['foundation, wave 9', 2],
    ['foundation, wave 10', 1],
    ['validation, wave 0', 1],
  ]);
});

const live = (more: object = {}): Live => ({
  ...object('ConfigMap', 'a'),
  metadata: { name: 'a', uid: '1', resourceVersion: '1' },
  ...more,
});

test('what is wanted of an object is without what a cluster adds', () => {
  const before = live({ spec: { replicas: 3 }, status: { replicas: 0 } });
  const after = live({
    metadata: {
      name: 'a',
      uid: '2',
      resourceVersion: '9',
      generation: 4,
      annotations: { 'deployment.kubernetes.io/revision': '3' },
    },
    spec: { replicas: 3, selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'x' } } },
  });
  expect(wantedOf(after)).toEqual({
    ...wantedOf(before),
    spec: { replicas: 3, selector: { matchLabels: {} } },
  });
  expect(wantedOf(live({ spec: { replicas: 2 } }))).not.toEqual(wantedOf(before));
});

/** A cluster that keeps objects, and refuses changes of those that exist as the API server does for Jobs. */
class Kept {
  readonly said: string[] = [];
  private readonly objects = new Map<string, Live>();
  private version = 0;

  async get({ metadata }: Manifest): Promise<Live | undefined> {
    return this.objects.get(metadata.name);
  }

  async apply(manifest: Manifest): Promise<unknown> {
    const { name } = manifest.metadata;
    const before = this.objects.get(name);
    const wanted = JSON.stringify(manifest['spec']);
    if (before && manifest.kind === 'Job' && JSON.stringify(before['spec']) !== wanted)
      throw new Refusal(422, 'Invalid', 'field is immutable');
    const isSame = before !== undefined && JSON.stringify(before['spec']) === wanted;
    if (!isSame) this.version += 1;
    const metadata = {
      ...manifest.metadata,
      uid: before?.metadata.uid ?? name,
      resourceVersion: String(this.version),
    };
    const body = isSame ? before : { ...manifest, metadata };
    this.objects.set(name, body);
    this.said.push(`apply ${name}`);
    return { status: 200, body, warnings: [] };
  }

  async remove({ metadata }: Manifest): Promise<void> {
    this.objects.delete(metadata.name);
    this.said.push(`remove ${metadata.name}`);
  }
}

const job = (spec: object, options?: string): Printed => ({
  ...printed('foundation', 0, 'job'),
  manifest: {
    ...object('Job', 'job', options === undefined ? {} : { 'argocd.argoproj.io/sync-options': options }),
    spec,
  },
});

const outcomes = async (cluster: Kept, ...objects: Printed[]): Promise<string[]> =>
  (await applyAll(cluster as unknown as Cluster, objects)).map(({ outcome }) => outcome);

test('a second apply of the same is told from a first and from a change', async () => {
  const cluster = new Kept();
  expect(await outcomes(cluster, job({ a: 1 }))).toEqual(['created']);
  expect(await outcomes(cluster, job({ a: 1 }))).toEqual(['unchanged']);
});

test('what cannot be changed is made anew only where its sync options say so', async () => {
  const replaced = new Kept();
  await outcomes(replaced, job({ a: 1 }, 'Force=true,Replace=true'));
  expect(await outcomes(replaced, job({ a: 2 }, 'Force=true,Replace=true'))).toEqual(['configured']);
  expect(replaced.said).toEqual(['apply job', 'remove job', 'apply job']);
  const kept = new Kept();
  await outcomes(kept, job({ a: 1 }));
  expect(await outcomes(kept, job({ a: 2 }))).toEqual(['refused']);
});

test('namespaces are there before what is in them', async () => {
  const cluster = new Kept();
  const space = { ...printed('foundation', 0, 'space'), manifest: object('Namespace', 'space') };
  await outcomes(cluster, job({}), space);
  expect(cluster.said).toEqual(['apply space', 'apply job']);
});
