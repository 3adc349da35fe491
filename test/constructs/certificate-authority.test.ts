import { Construct } from 'constructs';
import { CertificateAuthority, TRUST_BUNDLE } from '../../constructs/certificate-authority';
import { Connections } from '../../constructs/platform/connections';
import { spec } from '../../constructs/platform/workloads';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type { BundleSpec } from '../../imports/trust.cert-manager.io';
import { find, manifestsOf, platformWith } from '../support';

const certificate = (manifests: ReturnType<typeof manifestsOf>, name: string) =>
  spec<CertificateSpec>(find(manifests, 'Certificate', name));

const hours = (duration = '') => Number.parseInt(duration, 10);

describe('the certificate authority', () => {
  const withGenerations = (generations: readonly number[], issuing = generations.at(-1) ?? 1) =>
    manifestsOf(
      platformWith(({ namespaces }) => {
        new CertificateAuthority(namespaces.existing('other'), 'platform', { generations, issuing });
      }),
    );

  test('root signs issuing, issuing signs leaves', () => {
    const manifests = withGenerations([1]);
    expect(certificate(manifests, 'platform-root-1').issuerRef.name).toBe('platform-self-signed');
    expect(certificate(manifests, 'platform-issuing-1').issuerRef.name).toBe('platform-root-1');
    expect(find(manifests, 'ClusterIssuer', 'platform')['spec']).toEqual({
      ca: { secretName: 'platform-issuing-1' },
    });
  });

  test('no certificate outlives the one that signed it', () => {
    const manifests = withGenerations([1]);
    const root = certificate(manifests, 'platform-root-1');
    const issuing = certificate(manifests, 'platform-issuing-1');
    // The oldest signer still in use has `renewBefore` to live.
    expect(hours(issuing.duration)).toBeLessThanOrEqual(hours(root.renewBefore));
    expect(hours('2160h')).toBeLessThanOrEqual(hours(issuing.renewBefore));
  });

  test.each([1, 2])('both generations are trusted and ready, and %i issues', (issuing) => {
    const manifests = withGenerations([1, 2], issuing);
    const { sources } = manifests
      .filter(({ kind, metadata }) => kind === 'Bundle' && metadata.name === TRUST_BUNDLE)
      .map((bundle) => spec<BundleSpec>(bundle))
      .at(-1) ?? { sources: [] };
    expect(sources.map(({ secret }) => secret?.name)).toEqual(['platform-root-1', 'platform-root-2']);
    expect(find(manifests, 'ClusterIssuer', 'platform')['spec']).toEqual({
      ca: { secretName: `platform-issuing-${issuing}` },
    });
    for (const generation of [1, 2])
      expect(certificate(manifests, `platform-issuing-${generation}`).issuerRef.name).toBe(
        `platform-root-${generation}`,
      );
  });

  test('what issues must be trusted', () => {
    expect(() => withGenerations([1, 2], 3)).toThrow('issuing must be one of generations, 1, 2, got 3');
  });

  test('a root keeps its key, everything else gets a new one', () => {
    const manifests = withGenerations([1]);
    expect(certificate(manifests, 'platform-root-1').privateKey?.rotationPolicy).toBe('Never');
    expect(certificate(manifests, 'platform-issuing-1').privateKey?.rotationPolicy).toBe('Always');
  });

  test('no root is refused', () => {
    expect(() => withGenerations([])).toThrow(
      'issuing must be one of generations, of which there is none, got 1',
    );
  });

  test('a leaf has every name of its endpoints, also those declared later, and of the proxy in front', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces, authority }) => {
        const redis = namespaces.add('redis');
        const server = new Construct(redis, 'cache');
        const connections = new Connections(server, {
          name: 'redis',
          component: 'member',
          service: 'headless',
        });
        expect(authority.issue(connections).secretName).toBe('cache-tls');
        connections.listen('redis', 6379);
        const proxy = new Connections(new Construct(redis, 'proxy'), { name: 'haproxy', component: 'proxy' });
        connections.answersFor(proxy.listen('redis', 6379));
      }),
    );
    const { dnsNames, usages, issuerRef } = certificate(manifests, 'cache-tls');
    expect(dnsNames).toEqual([
      'cache',
      'cache.redis',
      'cache.redis.svc',
      'cache.redis.svc.cluster.local',
      'proxy',
      'proxy.redis',
      'proxy.redis.svc',
      'proxy.redis.svc.cluster.local',
      '*.cache.redis.svc.cluster.local',
    ]);
    expect(usages).toEqual(['server auth', 'client auth']);
    expect(issuerRef).toEqual({ name: 'lighthouse', kind: 'ClusterIssuer' });
  });

  test('a client shows its user and can be no server', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces, authority }) => {
        authority.client(new Construct(namespaces.add('a'), 'app'), 'Writer', 'lighthouse_writer', {
          x: 'y',
        });
      }),
    );
    expect(certificate(manifests, 'app-writer')).toMatchObject({
      commonName: 'lighthouse_writer',
      usages: ['client auth'],
      secretTemplate: { labels: { x: 'y' } },
    });
  });
});
