import type { Live } from '../../acceptance/cluster';
import { healthTable, judged, servicesIn } from '../../acceptance/services';
import type { Manifest } from '../../constructs/platform/manifest';

function manifest(kind: string, name: string, program?: string): Manifest {
  const labels: Readonly<Record<string, string>> =
    program === undefined ? {} : { 'app.kubernetes.io/name': program };
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'here', labels } };
}

const live = (object: Manifest, more: Readonly<Record<string, unknown>>): Live => ({
  ...object,
  ...more,
  metadata: { ...object.metadata, uid: 'u', resourceVersion: '1' },
});

describe('services of a platform', () => {
  it('are what runs, each by its program and name, and what all stand on', () => {
    const services = servicesIn([
      manifest('Deployment', 'cache', 'haproxy'),
      manifest('StatefulSet', 'cache-members', 'redis'),
      manifest('Deployment', 'embeddings', 'embeddings'),
      manifest('ClusterIssuer', 'root'),
      manifest('Bundle', 'trust'),
      manifest('Certificate', 'tls'),
      manifest('Job', 'users'),
      manifest('ConfigMap', 'config'),
      manifest('NetworkPolicy', 'deny'),
    ]);
    expect(services.map(({ name, objects }) => `${name}: ${objects.length}`)).toEqual([
      'certificate authority: 2',
      'certificates: 1',
      'credentials, buckets and schemas: 1',
      'embeddings: 1',
      'haproxy cache: 1',
      'redis cache-members: 1',
    ]);
  });

  it('are healthy when all their objects are', () => {
    const [one, two] = [manifest('Certificate', 'one'), manifest('Certificate', 'two')];
    const ready = (status: string) => ({
      status: { conditions: [{ type: 'Ready', status, message: 'waits' }] },
    });
    expect(
      judged('certificates', [one, two], [live(one, ready('True')), live(two, ready('True'))], []),
    ).toEqual({
      name: 'certificates',
      isHealthy: true,
      detail: '2/2',
    });
    expect(
      judged('certificates', [one, two], [live(one, ready('True')), live(two, ready('False'))], []),
    ).toEqual({
      name: 'certificates',
      isHealthy: false,
      detail: '1/2; Certificate/here/two: waits',
    });
    expect(judged('certificates', [one], [undefined], []).detail).toBe(
      '0/1; Certificate/here/one: is not there',
    );
  });

  it('have as many pods as the manifests want, whatever they were scaled to', () => {
    const set = { ...manifest('StatefulSet', 's3', 'minio'), spec: { replicas: 1 } };
    const scaled = (replicas: number): Live =>
      live(set, { spec: { replicas }, status: { readyReplicas: replicas, updatedReplicas: replicas } });
    expect(judged('minio s3', [set], [scaled(1)], []).isHealthy).toBe(true);
    expect(judged('minio s3', [set], [scaled(0)], [])).toMatchObject({
      isHealthy: false,
      detail: '0/1; StatefulSet/here/s3: 0 of 1 ready',
    });
  });

  it('have backups when one has completed, of this database', () => {
    const schedule = manifest('ScheduledBackup', 'daily');
    const there = [live(schedule, { spec: { cluster: { name: 'events' } } })];
    const backup = (phase: string, cluster = 'events', namespace = 'here'): Live =>
      live(
        { ...manifest('Backup', 'b'), metadata: { name: 'b', namespace } },
        { spec: { cluster: { name: cluster } }, status: { phase } },
      );
    const health = (backups: readonly Live[]): boolean =>
      judged('backups', [schedule], there, backups).isHealthy;
    expect(health([backup('failed'), backup('completed')])).toBe(true);
    expect(health([])).toBe(false);
    expect(health([backup('failed'), backup('running')])).toBe(false);
    expect(health([backup('completed', 'other')])).toBe(false);
    expect(health([backup('completed', 'events', 'elsewhere')])).toBe(false);
  });

  it('make a table that ends with how many are healthy', () => {
    const table = healthTable([
      { name: 'redis', isHealthy: true, detail: '1/1' },
      { name: 'certificates', isHealthy: false, detail: '1/2; waits' },
    ]);
    expect(table.split('\n')).toEqual([
      'redis         healthy  1/1',
      'certificates  NOT OK   1/2; waits',
      '1/2 healthy',
    ]);
  });
});
