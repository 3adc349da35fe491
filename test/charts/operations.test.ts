import { find } from '../support';
import { spec } from '../../constructs/platform/workloads';
import type { ProbeSpec } from '../../imports/monitoring.coreos.com';
import { expectSnapshot, manifestsIn, PLATFORMS } from './support';

/** What there must be to see, by the label `service`, wherever object storage runs; and Lighthouse with its edge in a primary cluster. */
const SERVICES = [
  'alertmanager',
  'collector',
  'embeddings',
  'grafana',
  'loki',
  'object-storage',
  'postgres',
  'prometheus',
  'redis-cache',
  'redis-sessions',
  'tempo',
  'vault',
  'vector-database',
];

describe.each(PLATFORMS)('operations of %s', (_, platform) => {
  const manifests = manifestsIn(platform, 'operations');

  const expected = platform.cluster.role === 'primary' ? [...SERVICES, 'bridge', 'edge'].sort() : SERVICES;

  test('every service is looked at', () => {
    const services = manifests
      .filter(({ kind }) => kind === 'Probe')
      .map((probe) => spec<ProbeSpec>(probe).targets?.staticConfig?.labels?.['service']);
    expect([...new Set(services)].sort()).toEqual(expected);
  });

  test('tells when something that was declared is not seen', () => {
    const { groups } = spec<{ groups: { rules: { labels: Record<string, string> }[] }[] }>(
      find(manifests, 'PrometheusRule', 'declared'),
    );
    const declared = groups.flatMap(({ rules }) => rules.flatMap(({ labels }) => labels['service'] ?? []));
    expect([...new Set(declared)].sort()).toEqual(expected);
  });

  test('cert-manager and Argo CD are scraped, and missed where they are not', () => {
    const monitors = manifests.filter(({ kind }) => kind === 'PodMonitor');
    const jobs = monitors.map(({ metadata: { namespace, name } }) => `${namespace}/${name}`);
    const { groups } = spec<{ groups: { rules: { labels: Record<string, string> }[] }[] }>(
      find(manifests, 'PrometheusRule', 'declared'),
    );
    const declared = groups.flatMap(({ rules }) => rules.flatMap(({ labels }) => labels['job'] ?? []));
    for (const job of ['argocd/application-controller', 'cert-manager/cert-manager']) {
      expect(jobs).toContain(job);
      expect(declared).toContain(job);
    }
  });

  test('is as it was', () => expectSnapshot(platform, 'operations'));
});
