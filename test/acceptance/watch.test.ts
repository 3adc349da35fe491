import { endpointsIn } from '../../acceptance/drills/watch';
import { buildPlatform } from '../../charts/platform';
import { loadImages } from '../../config/images';
import { loadEnvironment } from '../../config/load';
import type { Manifest } from '../../constructs/platform/manifest';

function development(): readonly Manifest[] {
  const environment = loadEnvironment('config/development.yaml');
  const [cluster] = environment.clusters;
  if (!cluster) throw new Error('development has no cluster');
  const { objects } = buildPlatform(environment, cluster, loadImages('config/images.yaml'));
  return objects.map(({ manifest }) => manifest);
}

describe('ports that are watched while certificates are renewed', () => {
  const ports = endpointsIn(development()).map(({ host, port }) => `${host.split('.svc')[0]}:${port}`);

  it('are those of every program that shows a certificate, the Services of an operator too', () => {
    expect(ports).toEqual(
      expect.arrayContaining([
        'cache-members.redis:26379',
        'cache.redis:6379',
        'edge.bridge:443',
        'events-pool.postgres:5432',
        'events-rw.postgres:5432',
        'grafana.observability:3000',
        's3.object-storage:9000',
        'vault.vault:8200',
        'weaviate.vector-database:8443',
      ]),
    );
  });

  it('are watched once each', () => {
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('are none of programs without a certificate', () => {
    expect(ports.filter((port) => /embeddings|kube-state-metrics|bridge\.bridge/.test(port))).toEqual([]);
  });
});
