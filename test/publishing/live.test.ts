import { type Live, Refusal } from '../../acceptance/cluster';
import type { Manifest } from '../../constructs/platform/manifest';
import { compareLive, type Reader } from '../../publishing/live';
import type { Printed } from '../../synth/dist';

const OURS = { 'app.kubernetes.io/part-of': 'lighthouse', 'app.kubernetes.io/managed-by': 'cdk8s' };

function configMap(name: string, value: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'app', labels: OURS },
    data: { value },
  };
}

const printed = (manifest: Manifest): Printed => ({
  file: `production/here/foundation/${manifest.metadata.name}.yaml`,
  environment: 'production',
  cluster: 'here',
  phase: 'foundation',
  manifest,
});

/** As a server keeps it. */
function live(manifest: Manifest, more: Record<string, unknown> = {}): Live {
  const metadata = {
    uid: 'u',
    resourceVersion: '7',
    generation: 2,
    managedFields: [{ manager: 'argo', operation: 'Apply' }],
    ...more,
  };
  return { ...manifest, metadata: { ...manifest.metadata, ...metadata }, status: { seen: true } };
}

/** A server that holds objects, takes what it is asked to try, and fills in a default. */
function server(
  objects: readonly Live[],
  refusal?: Refusal,
): Reader & { readonly queries: Record<string, string>[] } {
  const queries: Record<string, string>[] = [];
  return {
    queries,
    get: ({ metadata }) => Promise.resolve(objects.find((each) => each.metadata.name === metadata.name)),
    list: () => Promise.resolve([...objects]),
    pathOf: ({ metadata }) => Promise.resolve(`/${metadata.name}`),
    request: <T>(
      _method: string,
      _path: string,
      { query = {}, body }: { query?: Readonly<Record<string, string>>; body?: unknown } = {},
    ) => {
      queries.push({ ...query });
      if (refusal) return Promise.reject(refusal);
      return Promise.resolve({
        status: 200,
        warnings: [],
        body: { ...live(body as Manifest), immutable: false } as T,
      });
    },
  };
}

test('what the server would make of an object is compared with what it holds, without what it notes', async () => {
  const cluster = server([{ ...live(configMap('a', 'old')), immutable: false }]);
  const { clusters, refused } = await compareLive(cluster, [printed(configMap('a', 'new'))]);

  expect(refused).toEqual([]);
  expect(clusters[0]?.changes.map(({ how, fields }) => ({ how, fields }))).toEqual([
    { how: 'changed', fields: [{ path: 'data.value', before: 'old', after: 'new' }] },
  ]);
  expect(cluster.queries).toEqual([
    { dryRun: 'All', fieldManager: 'argo', fieldValidation: 'Strict', force: 'true' },
  ]);
});

test('what is not there is added, as it is printed', async () => {
  const { clusters } = await compareLive(server([]), [printed(configMap('a', 'new'))]);

  expect(clusters[0]?.changes).toMatchObject([{ how: 'added', after: { manifest: configMap('a', 'new') } }]);
});

test('what nothing prints any more is taken away, unless another object owns it', async () => {
  const owned = live(configMap('owned', 'x'), { ownerReferences: [{ kind: 'CronJob', name: 'a' }] });
  const stray = live(configMap('stray', 'x'), {
    annotations: { 'argocd.argoproj.io/tracking-id': 'lighthouse-operations:/ConfigMap:app/stray' },
  });
  const { clusters } = await compareLive(
    server([{ ...live(configMap('a', 'same')), immutable: false }, owned, stray]),
    [printed(configMap('a', 'same'))],
  );

  expect(clusters[0]?.changes).toMatchObject([
    { how: 'removed', before: { phase: 'operations', manifest: { metadata: { name: 'stray' } } } },
  ]);
});

test('what would be refused is a danger that cannot be allowed; what waits for its namespace is none', async () => {
  const objects = [live(configMap('a', 'old'))];
  const { refused } = await compareLive(
    server(objects, new Refusal(422, 'Invalid', 'data: field is immutable')),
    [printed(configMap('a', 'new'))],
  );
  expect(refused).toMatchObject([
    {
      rule: 'refused',
      place: 'production/here',
      object: 'ConfigMap/app/a',
      what: 'would be refused: data: field is immutable',
    },
  ]);

  const waiting = await compareLive(server([], new Refusal(404, 'NotFound', 'namespaces "app" not found')), [
    printed(configMap('a', 'new')),
  ]);
  expect(waiting.refused).toEqual([]);
  expect(waiting.clusters[0]?.changes).toMatchObject([{ how: 'added' }]);
});
