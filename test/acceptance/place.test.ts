import { policiesFor, podOf } from '../../acceptance/place';
import { isOpen, type Pods, type Target } from '../../acceptance/smoke/reach';
import { bucketsIn } from '../../acceptance/smoke/object-storage';
import { eventStoresIn } from '../../acceptance/smoke/postgres';
import { redisGroupsIn } from '../../acceptance/smoke/redis';
import { TEMPORARY } from '../../acceptance/temporary';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { PodSpec } from '../../imports/k8s';
import { manifestsIn, PLATFORMS, platformOf } from '../charts/support';

const DENIED: Manifest[] = ['front', 'back'].map((namespace) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'default-deny', namespace },
  spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
}));

describe('a place to try things from', () => {
  const standing = {
    name: 'client',
    namespace: 'front',
    image: 'docker.io/library/python:3.13.9-slim-bookworm',
    secrets: { '/tls': 'client-tls' },
  };

  it('is let through to its goals, and to nothing else', () => {
    const goal = { namespace: 'back', labels: { app: 'server' }, port: 80 };
    const rules = { policies: [...DENIED, ...policiesFor(standing, [goal])], namespaces: new Map() };
    const place: Pods = { namespace: 'front', labels: { [TEMPORARY]: 'client' } };
    const target: Target = {
      name: '',
      address: '10.0.0.1',
      port: 80,
      pods: { namespace: 'back', labels: goal.labels },
    };
    expect(isOpen(rules, place, target)).toBe(true);
    expect(isOpen(rules, place, { ...target, port: 81 })).toBe(false);
    expect(isOpen(rules, place, { ...target, pods: { namespace: 'back', labels: { app: 'other' } } })).toBe(
      false,
    );
    expect(isOpen(rules, { ...place, labels: {} }, target)).toBe(false);
    expect(isOpen(rules, { ...place, namespace: 'back' }, target)).toBe(false);
  });

  it('is let out to a provider at its port alone', () => {
    const rules = { policies: [...DENIED, ...policiesFor(standing, [{ port: 443 }])], namespaces: new Map() };
    const place: Pods = { namespace: 'front', labels: { [TEMPORARY]: 'client' } };
    const provider: Target = { name: '', address: '192.0.2.1', port: 443 };
    expect(isOpen(rules, place, provider)).toBe(true);
    expect(isOpen(rules, place, { ...provider, port: 80 })).toBe(false);
    expect(isOpen(rules, place, { ...provider, pods: { namespace: 'back', labels: {} } })).toBe(false);
  });

  it('holds to Pod Security restricted, is never ready, and carries no token', () => {
    const pod = spec<PodSpec>(podOf(standing));
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.containers[0]?.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.containers[0]?.resources).toMatchObject({
      requests: { memory: '48Mi' },
      limits: { memory: '48Mi' },
    });
    expect(pod.readinessGates).toHaveLength(1);
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.activeDeadlineSeconds).toBeGreaterThan(0);
  });

  it('mounts Secrets by name and takes none as a value', () => {
    const text = JSON.stringify(podOf(standing));
    expect(text).toContain('"secretName":"client-tls"');
    expect(text).not.toContain('password');
  });
});

describe.each(PLATFORMS)('what there is to try on %s', (_, platform) => {
  const manifests = manifestsIn(platform, 'foundation');

  it('is both groups of Redis, by way of proxy and Sentinel', () => {
    expect(redisGroupsIn(manifests).map(({ name, proxy, sentinel }) => [name, proxy, sentinel])).toEqual([
      ['cache', 'cache.redis.svc.cluster.local', 'cache-members.redis.svc.cluster.local'],
      ['sessions', 'sessions.redis.svc.cluster.local', 'sessions-members.redis.svc.cluster.local'],
    ]);
  });

  it('is a bucket for each that keeps backups, with keys from Secrets', () => {
    const buckets = bucketsIn(manifests);
    expect(buckets.map(({ consumer }) => consumer)).toEqual(['events-backups', 'weaviate-members']);
    for (const { env } of buckets) {
      expect(env.find(({ name }) => name === 'AWS_SECRET_ACCESS_KEY')?.valueFrom?.secretKeyRef).toBeDefined();
      expect(env.find(({ name }) => name === 'AWS_SECRET_ACCESS_KEY')?.value).toBeUndefined();
    }
  });

  it('is the event store where it takes writes', () => {
    const isStandby = platform.cluster.role !== 'primary';
    expect(eventStoresIn(manifests).map(({ hosts }) => hosts.pooled)).toEqual(
      isStandby ? [] : ['events-pool.postgres.svc.cluster.local'],
    );
  });
});

it('reads where reads go: at the only instance, or at standbys', () => {
  const [store] = eventStoresIn(manifestsIn(platformOf('development'), 'foundation'));
  expect(store?.hosts.readOnly).toBe('events-r.postgres.svc.cluster.local');
  const [large] = eventStoresIn(manifestsIn(platformOf('production'), 'foundation'));
  expect(large?.hosts.readOnly).toBe('events-ro.postgres.svc.cluster.local');
});
