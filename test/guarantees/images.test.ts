import { images } from '../../guarantees/images';
import { added, causesOf, changed, findingsOf, soundPlatform } from './support';

const SOUND = soundPlatform();

const SERVER = 'StatefulSet/app/server';
const FIELD = 'spec.template.spec.containers[0].image';
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

const causesWith = (image: string): string[] => causesOf(images, changed(SOUND, SERVER, FIELD, image));

test('exact images are no finding', () => {
  expect(findingsOf(images, SOUND)).toEqual([]);
});

test.each([
  'docker.io/library/redis:8.8.0-alpine',
  'quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z',
  'registry.example.com:5000/a/b:v1.2',
  `docker.io/library/redis@${DIGEST}`,
  `docker.io/library/redis:latest@${DIGEST}`,
])('%s is exact', (image) => {
  expect(causesWith(image)).toEqual([]);
});

test.each([
  ['docker.io/library/redis', 'which has no tag'],
  ['docker.io/library/redis:latest', 'which moves: tag latest'],
  ['docker.io/library/redis:8', 'which moves: tag 8'],
  ['docker.io/library/redis:alpine', 'which moves: tag alpine'],
  ['docker.io/library/redis:8.8-latest', 'which moves: tag 8.8-latest'],
  ['redis:8.8.0', 'which is no registry/repository:tag'],
  ['library/redis:8.8.0', 'which is no registry/repository:tag'],
  ['docker.io/library/redis@sha256:abc', 'which is no registry/repository:tag'],
  ['', 'which is no registry/repository:tag'],
])('%s is found', (image, cause) => {
  expect(causesWith(image)).toEqual([`StatefulSet server: ${FIELD} is "${image}", ${cause}`]);
});

test('init containers, image volumes and custom resources are looked at', () => {
  const pod = 'spec.template.spec';
  const changes: readonly (readonly [string, unknown])[] = [
    [`${pod}.initContainers`, [{ name: 'x', image: 'a' }]],
    [`${pod}.volumes`, [{ name: 'x', image: { reference: 'a' } }]],
  ];
  for (const [field, value] of changes) {
    expect(causesOf(images, changed(SOUND, SERVER, field, value))).toEqual([
      expect.stringContaining('is "a", which is no registry/repository:tag'),
    ]);
  }
  const cluster = {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Cluster',
    metadata: { name: 'db', namespace: 'app' },
  };
  const named = { ...cluster, spec: { instances: 1, imageName: 'ghcr.io/a/b:17' } };
  expect(causesOf(images, added(SOUND, SERVER, named))).toEqual([
    'Cluster db: spec.imageName is "ghcr.io/a/b:17", which moves: tag 17',
  ]);
});

test('what the configuration does not know is found', () => {
  const platform = SOUND;
  const known = new Set(['registry.example.com/team/app:1.2.3']);
  expect(findingsOf(images, { ...platform, images: known })).toEqual([
    {
      path: 'foundation/Namespaces/app/users/Resource',
      cause:
        'Job ' +
        (platform.objects.find(({ manifest }) => manifest.kind === 'Job')?.manifest.metadata.name ?? '') +
        ': spec.template.spec.containers[0].image is "docker.io/curlimages/curl:8.0.0", which is not in config/images.yaml',
      remedy: 'add it there, and take it from there: images(name)',
    },
  ]);
});

test.each([
  ['Cluster', { instances: 1 }],
  ['Pooler', { cluster: { name: 'db' }, template: { spec: { containers: [{ name: 'pgbouncer' }] } } }],
  ['Prometheus', {}],
  ['Alertmanager', {}],
])('a %s that leaves its image to the operator is found', (kind, spec) => {
  const object = { apiVersion: 'v1', kind, metadata: { name: 'x', namespace: 'app' }, spec };
  expect(causesOf(images, added(SOUND, SERVER, object))).toEqual([
    `${kind} x names no image, so that its operator's version decides`,
  ]);
});

test.each([
  ['v1.21.1', 0],
  ['88.5.4', 0],
  ['1.2.3-rc.1', 0],
  ['^1.2.3', 1],
  ['1.2', 1],
  ['1.x', 1],
  ['*', 1],
  ['', 1],
])('chart version "%s" has %i findings', (targetRevision, count) => {
  const application = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'x', namespace: 'argocd' },
    spec: { source: { chart: 'y', targetRevision } },
  };
  expect(findingsOf(images, added(SOUND, SERVER, application))).toHaveLength(count);
});

test('a container without an image is found, which the schemas allow', () => {
  expect(causesOf(images, changed(SOUND, SERVER, FIELD, undefined))).toEqual([
    'StatefulSet server: container server has no image',
  ]);
});
