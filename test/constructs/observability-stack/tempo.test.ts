import { Tempo, TempoProps } from '../../../constructs/observability-stack/tempo';
import type { Manifest } from '../../../constructs/platform/manifest';
import { spec } from '../../../constructs/platform/workloads';
import type { StatefulSetSpec } from '../../../imports/k8s';
import { bucketOf, find, manifestsOf, platformWith } from '../../support';
import { fileOf } from './telemetry-support';

interface Config {
  readonly compactor: { readonly compaction: { readonly block_retention: string } };
  readonly storage: {
    readonly trace: { readonly s3: { readonly endpoint: string; readonly tls_ca_path: string } };
  };
}

function build(change: Partial<TempoProps> = {}): Manifest[] {
  return manifestsOf(
    platformWith(({ namespaces, authority }) => {
      new Tempo(namespaces.add('observability'), 'tempo', {
        image: 'docker.io/grafana/tempo:2.10.8',
        bucket: bucketOf('traces'),
        spansPerSecond: 20,
        retentionDays: 2,
        storageClass: 'ssd',
        authority,
        ...change,
      });
    }),
  );
}

test('what it keeps and where follows from its props', () => {
  const config = fileOf<Config>(build(), 'tempo.yaml');
  expect(config.compactor.compaction.block_retention).toBe('48h');
  expect(config.storage.trace.s3).toMatchObject({
    endpoint: 's3.example.com:9000',
    tls_ca_path: '/trust/ca.crt',
  });
});

test('its memory grows with the spans', () => {
  const memory = (spansPerSecond: number) =>
    spec<StatefulSetSpec>(find(build({ spansPerSecond }), 'StatefulSet', 'tempo')).template.spec
      ?.containers[0]?.resources?.limits?.['memory'];
  expect([memory(20), memory(2000)]).toEqual(['188Mi', '1348Mi']);
});

test('no spans are refused', () => {
  expect(() => build({ spansPerSecond: 0 })).toThrow(/spansPerSecond must be above 0, got 0/);
});
