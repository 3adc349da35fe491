import { join } from 'node:path';
import { buildPlatform } from '../../charts/platform';
import { loadImages } from '../../config/images';
import { loadEnvironment } from '../../config/load';
import type { Manifest } from '../../constructs/platform/manifest';
import { MOST_PODS } from '../../constructs/platform/labels';
import { spec } from '../../constructs/platform/workloads';
import { guarantees } from '../../guarantees/all';
import { findingsAgainst } from '../../guarantees/prove';
import { heldBy } from '../../guarantees/vault/model';
import type { ApplicationSpec } from '../../imports/argoproj.io';
import type { ExternalSecretSpec } from '../../imports/external-secrets.io';
import type { NetworkPolicySpec, ResourceQuotaSpec, ServiceSpec } from '../../imports/k8s';
import type { ScaledObjectSpec } from '../../imports/keda.sh';
import type { PrometheusSpec } from '../../imports/monitoring.coreos.com';
import type { AnalysisTemplateSpec, RolloutSpec } from '../../imports/rollouts.argoproj.io';
import { find } from '../support';

const environment = loadEnvironment(join(__dirname, '../external/production.yaml'));
const shipped = loadImages(join(__dirname, '../../config/images.yaml'));
const primary = environment.clusters.find(({ role }) => role === 'primary');
if (!primary) throw new Error('there is no primary');

/** A release to come, which keeps its state elsewhere; there is none. */
const platform = buildPlatform(environment, primary, (name) =>
  name === 'bridge' ? 'registry.example.com/lighthouse/bridge:2.0.0' : shipped(name),
);
const manifests: readonly Manifest[] = platform.objects.map(({ manifest }) => manifest);
const rollout = spec<RolloutSpec>(find(manifests, 'Rollout', 'bridge'));
const blueGreen = rollout.strategy?.blueGreen;

const seconds = (name: string): number => {
  const { metrics = [] } = spec<AnalysisTemplateSpec>(find(manifests, 'AnalysisTemplate', name));
  const number = (text = '0s') => Number.parseInt(text, 10);
  return Math.max(
    ...metrics.map(
      ({ initialDelay, interval, count }) =>
        number(initialDelay) + number(interval) * (Number(count ?? 1) - 1),
    ),
  );
};

test('every guarantee holds', () => {
  expect(findingsAgainst(platform, guarantees)).toEqual([]);
});

test('receivers’ secrets come from the cluster’s own Vault, by an account that may read these and no others', () => {
  const receivers = spec<ExternalSecretSpec>(find(manifests, 'ExternalSecret', 'alertmanager-receivers'));
  expect(receivers.secretStoreRef).toEqual({ kind: 'SecretStore', name: 'alertmanager-receivers-store' });
  const entries = ['bridge', 'data', 'platform', 'dead-mans-switch'].map(
    (owner) => `lighthouse/production/alerting/${owner}`,
  );
  expect(new Set(receivers.data?.map(({ remoteRef }) => remoteRef.key))).toEqual(new Set(entries));
  const [held] = heldBy(platform);
  const rules = held?.policies.get('lighthouse-observability-alertmanager-receivers-store') ?? [];
  expect(new Set(rules)).toEqual(
    new Set(entries.map((entry) => ({ path: `secret/data/${entry}`, capabilities: ['read'] }))),
  );
});

test('samples are also sent where the configuration says, with a login from its store, and by no other way', () => {
  const { remoteWrite = [] } = spec<PrometheusSpec>(find(manifests, 'Prometheus', 'prometheus'));
  const login = (key: string) => ({ name: 'prometheus-remote-write', key });
  expect(remoteWrite).toEqual([
    {
      url: 'https://metrics.example.com:443/api/v1/write',
      basicAuth: { username: login('username'), password: login('password') },
      sendExemplars: true,
    },
  ]);
  const fetched = spec<ExternalSecretSpec>(find(manifests, 'ExternalSecret', 'prometheus-remote-write'));
  expect(fetched.secretStoreRef).toEqual({ kind: 'ClusterSecretStore', name: 'platform' });
  expect(new Set(fetched.data?.map(({ remoteRef }) => remoteRef.key))).toEqual(
    new Set(['lighthouse/production/metrics']),
  );
  const { egress = [] } = spec<NetworkPolicySpec>(
    manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'prometheus') ??
      find(manifests, 'NetworkPolicy', 'prometheus'),
  );
  expect(egress).toContainEqual({
    to: [{ ipBlock: { cidr: '203.0.113.64/32' } }],
    ports: [{ port: 443, protocol: 'TCP' }],
  });
});

test('the shipped release is refused', () => {
  expect(() => buildPlatform(environment, primary, shipped)).toThrow(/state external needs an image/);
});

test('whoever scales is the only one who says how many pods there are, and all there may be are counted', () => {
  expect(rollout.replicas).toBeUndefined();
  const { scaleTargetRef, minReplicaCount, maxReplicaCount, fallback } = spec<ScaledObjectSpec>(
    find(manifests, 'ScaledObject', 'bridge'),
  );
  expect(scaleTargetRef).toEqual({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'bridge' });
  expect([minReplicaCount, maxReplicaCount]).toEqual([5, 50]);
  // Without Prometheus: ten, or more where there are more.
  expect(fallback).toMatchObject({ replicas: 10, behavior: 'currentReplicasIfHigher' });
  expect(find(manifests, 'Rollout', 'bridge').metadata.annotations?.[MOST_PODS]).toBe('50');
  const { hard } = spec<ResourceQuotaSpec>(
    manifests.find(({ kind, metadata }) => kind === 'ResourceQuota' && metadata.namespace === 'bridge') ??
      find(manifests, 'ResourceQuota', 'bridge'),
  );
  // Old and new ones side by side.
  expect(Number(hard?.['pods'])).toBeGreaterThanOrEqual(100);
});

test('the Services say nothing of whom they lead to, so that no sync undoes a switch', () => {
  const services = [blueGreen?.activeService, blueGreen?.previewService];
  expect(services).toEqual(['bridge', 'bridge-preview']);
  for (const name of services) {
    const { selector, clusterIP, ipFamilyPolicy } = spec<ServiceSpec>(find(manifests, 'Service', name ?? ''));
    expect(selector).toBeUndefined();
    // Else the API server takes two families, and refuses the controller's selector where it has one.
    expect({ clusterIP, ipFamilyPolicy }).toEqual({ clusterIP: 'None', ipFamilyPolicy: 'SingleStack' });
  }
});

test('a new revision is judged before and after the switch, and the old one stays longer than that takes', () => {
  const before = blueGreen?.prePromotionAnalysis?.templates?.[0]?.templateName ?? '';
  const after = blueGreen?.postPromotionAnalysis?.templates?.[0]?.templateName ?? '';
  expect(seconds(before)).toBeGreaterThan(60);
  expect(seconds(after)).toBeGreaterThan(300);
  expect(blueGreen?.scaleDownDelaySeconds).toBeGreaterThan(seconds(after));
  expect(blueGreen?.autoPromotionEnabled ?? true).toBe(true);
});

test('what judges and scales comes from charts that are pinned, and is trusted with the roots that it needs', () => {
  const operator = (name: string) =>
    spec<ApplicationSpec>(find(manifests, 'Application', `operators-${name}`));
  expect(operator('keda').source?.targetRevision).toMatch(/^\d+\.\d+\.\d+$/);
  const { syncPolicy, source } = operator('argo-rollouts');
  expect(source?.targetRevision).toMatch(/^\d+\.\d+\.\d+$/);
  expect(syncPolicy?.managedNamespaceMetadata?.labels).toEqual({
    'app.kubernetes.io/part-of': 'lighthouse',
    'istio.io/dataplane-mode': 'ambient',
  });
});
