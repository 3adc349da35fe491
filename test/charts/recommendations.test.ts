import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { VerticalPodAutoscalerSpec } from '../../imports/autoscaling.k8s.io';
import { guarantees } from '../../guarantees/all';
import { findingsAgainst } from '../../guarantees/prove';
import { platformOf } from './support';

const askers = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter(({ kind }) => kind === 'VerticalPodAutoscaler');

const manifestsFor = (verticalPodAutoscaler: boolean): Manifest[] =>
  platformOf('development', {}, { verticalPodAutoscaler }).objects.map(({ manifest }) => manifest);

test('a cluster with a recommender is asked for every workload, and to change none', () => {
  const manifests = manifestsFor(true);
  const targets = askers(manifests).map((asker) => {
    const { targetRef, updatePolicy } = spec<VerticalPodAutoscalerSpec>(asker);
    expect(updatePolicy).toEqual({ updateMode: 'Off' });
    return `${targetRef?.kind} ${asker.metadata.namespace}/${targetRef?.name}`;
  });
  const workloads = manifests
    .filter(({ kind }) => ['Cluster', 'DaemonSet', 'Deployment', 'Prometheus', 'StatefulSet'].includes(kind))
    .map(({ kind, metadata: { namespace, name } }) => `${kind} ${namespace}/${name}`);
  expect(targets.sort()).toEqual(workloads.sort());
  expect(targets).toEqual(expect.arrayContaining(['Cluster postgres/events', 'StatefulSet bridge/bridge']));
});

test('a cluster without one gets no such object: its API server would refuse it', () => {
  expect(askers(manifestsFor(false))).toEqual([]);
});

test('everything holds with them', () => {
  expect(findingsAgainst(platformOf('development', {}, { verticalPodAutoscaler: true }), guarantees)).toEqual(
    [],
  );
});
