import { Loki, LokiProps } from '../../../constructs/observability-stack/loki';
import type { Manifest } from '../../../constructs/platform/manifest';
import { spec } from '../../../constructs/platform/workloads';
import type { NetworkPolicySpec, PodDisruptionBudgetSpec, StatefulSetSpec } from '../../../imports/k8s';
import { bucketOf, find, manifestsOf, platformWith } from '../../support';
import { fileOf } from './telemetry-support';

interface Config {
  readonly auth_enabled: boolean;
  readonly common: {
    readonly replication_factor: number;
    readonly storage: {
      readonly s3: { readonly bucketnames: string; readonly http_config: { readonly ca_file: string } };
    };
  };
  readonly limits_config: { readonly retention_period: string; readonly ingestion_rate_mb: number };
}

function build(change: Partial<LokiProps> = {}): Manifest[] {
  return manifestsOf(
    platformWith(({ namespaces, authority, scrape }) => {
      const loki = new Loki(namespaces.add('logs'), 'loki', {
        image: 'docker.io/grafana/loki:3.7.6',
        replicas: 3,
        bucket: bucketOf('logs'),
        perDay: '50Gi',
        retentionDays: { platform: 14, bridge: 30 },
        storageClass: 'ssd',
        spreading: 'required',
        authority,
        ...change,
      });
      scrape(loki);
    }),
  );
}

const config = (manifests: readonly Manifest[]): Config => fileOf(manifests, 'loki.yaml');
const memory = (manifests: readonly Manifest[]): string | undefined =>
  spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'loki')).template.spec?.containers[0]?.resources
    ?.limits?.['memory'];

test('three members keep three copies of each line, and one may be taken away', () => {
  const manifests = build();
  expect(config(manifests).common.replication_factor).toBe(3);
  expect(spec<PodDisruptionBudgetSpec>(find(manifests, 'PodDisruptionBudget', 'loki')).maxUnavailable).toBe(
    1,
  );
});

test('one member keeps one copy, is reached by nobody else and has no budget that would block a drain', () => {
  const manifests = build({ replicas: 1 });
  expect(config(manifests).common.replication_factor).toBe(1);
  expect(manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
  const { ingress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'loki'));
  expect(ingress.flatMap(({ ports = [] }) => ports.map(({ port }) => port))).toEqual([3100]);
});

test.each([0, 2, 1.5])('%p members are refused', (replicas) => {
  expect(() => build({ replicas })).toThrow(/replicas must be 1, or at least 3.*got/);
});

test('tenants are told apart, each with a retention of its own', () => {
  const manifests = build();
  expect(config(manifests).auth_enabled).toBe(true);
  expect(fileOf(manifests, 'tenants.yaml')).toEqual({
    overrides: { platform: { retention_period: '336h' }, bridge: { retention_period: '720h' } },
  });
});

test('memory and the rate that is taken follow from what is written in a day', () => {
  const few = build({ perDay: '256Mi', replicas: 1 });
  expect([memory(few), config(few).limits_config.ingestion_rate_mb]).toEqual(['187Mi', 4]);
  const many = build();
  // 50 GiB a day are 0.6 MiB/s: two hours of it, a half in memory; twenty times as much is taken.
  expect([memory(many), config(many).limits_config.ingestion_rate_mb]).toEqual(['2310Mi', 12]);
});

test('the bucket is trusted by the roots of whoever vouches for it', () => {
  const s3 = (trust: 'platform' | 'public') =>
    config(build({ bucket: bucketOf('logs', trust) })).common.storage.s3;
  expect(s3('platform')).toMatchObject({ bucketnames: 'logs', http_config: { ca_file: '/trust/ca.crt' } });
  expect(s3('public').http_config.ca_file).toBe('');
});
