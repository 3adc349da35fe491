import { waves } from '../../guarantees/waves';
import type { Platform } from '../../synth/platform';
import { identityOf } from '../../synth/references';
import type { Phase } from '../../charts/phase-chart';
import { added, causesOf, changed, findingsOf, soundPlatform } from './support';

const WAVE = 'metadata.annotations.argocd\\.argoproj\\.io/sync-wave';

const inPhase = (platform: Platform, prefix: string, phase: Phase): Platform => ({
  ...platform,
  objects: platform.objects.map((object) =>
    identityOf(object.manifest).startsWith(prefix) ? { ...object, phase } : object,
  ),
});

test('computed waves are no finding', () => {
  expect(findingsOf(waves, soundPlatform())).toEqual([]);
});

test('an object that comes before what it names is found', () => {
  const platform = changed(soundPlatform(), 'Job/app/users', WAVE, '9');
  expect(findingsOf(waves, platform)).toEqual([
    {
      path: 'foundation/Namespaces/app/client/Resource',
      cause: expect.stringMatching(
        /^Deployment client \(foundation, wave 2\) names Secret\/app\/users-bridge, which only comes with Job users-\w+ \(foundation, wave 9\)$/,
      ),
      remedy: expect.stringMatching(/must not be below that of foundation\/Namespaces\/app\/users\/Resource/),
    },
  ]);
});

test('pods that come before what they connect to are found', () => {
  const platform = changed(soundPlatform(), 'StatefulSet/app/server', WAVE, '9');
  expect(causesOf(waves, platform)).toEqual([
    'Deployment client (foundation, wave 2) connects to server.app.svc.cluster.local:6379, which only comes with StatefulSet server (foundation, wave 9)',
  ]);
});

test('pods that come before those they start after are found', () => {
  const platform = soundPlatform();
  const [job, server] = ['Job/app/users', 'StatefulSet/app/server'].map(
    (prefix) =>
      platform.objects.find((object) => identityOf(object.manifest).startsWith(prefix))?.connections,
  );
  if (!job || !server) throw new Error('both have connections');
  server.startAfter(job);
  expect(findingsOf(waves, platform)).toEqual([]);
  expect(causesOf(waves, changed(platform, 'StatefulSet/app/server', WAVE, '0'))).toEqual([
    'StatefulSet server (foundation, wave 0) names Service/app/server, which only comes with Service server (foundation, wave 1)',
    expect.stringMatching(
      /^StatefulSet server \(foundation, wave 0\) starts after foundation\/Namespaces\/app\/users, which only comes with Job users-\w+ \(foundation, wave 1\)$/,
    ),
  ]);
});

test('an object that comes before its namespace is found', () => {
  const platform = changed(soundPlatform(), 'Namespace/app', WAVE, '1');
  expect(findingsOf(waves, platform)).toEqual([]);
  const late = changed(soundPlatform(), 'ServiceAccount/app/users', WAVE, '-1');
  expect(causesOf(waves, late)).toEqual([
    'ServiceAccount users (foundation, wave -1) lies in namespace app, which only comes with Namespace app (foundation, wave 0)',
  ]);
});

test('a wave that is no whole number is found', () => {
  for (const value of ['soon', '1.5', undefined]) {
    const platform = changed(soundPlatform(), 'ConfigMap/app/client', WAVE, value);
    expect(causesOf(waves, platform)).toEqual([expect.stringContaining('has no whole number as its argocd')]);
  }
});

test("the provider's phase comes first, whatever the waves are", () => {
  const later = inPhase(
    changed(soundPlatform(), 'Deployment/app/client', WAVE, '0'),
    'Deployment/app/client',
    'automation',
  );
  expect(findingsOf(waves, later)).toEqual([]);
  const platform = inPhase(soundPlatform(), 'StatefulSet/app/server', 'automation');
  expect(findingsOf(waves, platform)).toEqual([
    {
      path: 'foundation/Namespaces/app/client/Resource',
      cause:
        'Deployment client (foundation, wave 2) connects to server.app.svc.cluster.local:6379, which only comes with StatefulSet server (automation, wave 1)',
      remedy:
        'build it in phase automation or later, or foundation/Namespaces/app/server/Resource in phase foundation or earlier',
    },
  ]);
});

test('a claim that waits for a pod of a later wave is found', () => {
  const claim = (wave: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'app', annotations: { 'argocd.argoproj.io/sync-wave': wave } },
    spec: {},
  });
  const using = changed(soundPlatform(), 'Deployment/app/client', 'spec.template.spec.volumes[1]', {
    name: 'data',
    persistentVolumeClaim: { claimName: 'data' },
  });
  expect(findingsOf(waves, added(using, 'ConfigMap/app/client', claim('2')))).toEqual([]);
  expect(causesOf(waves, added(using, 'ConfigMap/app/client', claim('1')))).toEqual([
    'Deployment client (foundation, wave 2) names PersistentVolumeClaim/app/data, which waits in foundation, wave 1 for a pod that only comes in foundation, wave 2',
  ]);
});

test('a phase that is applied before its operators is found', () => {
  const application = (name: string, wave: number, source: object) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd', annotations: { 'argocd.argoproj.io/sync-wave': String(wave) } },
    spec: { source },
  });
  const delivered = (wave: number) =>
    [
      application('phase', wave, { path: 'staging/test/foundation' }),
      application('operator', 2, { chart: 'kube-prometheus-stack' }),
    ].reduce((platform, each) => added(platform, 'ConfigMap/app/client', each), soundPlatform());
  expect(findingsOf(waves, delivered(3))).toEqual([]);
  expect(causesOf(waves, delivered(2))).toEqual([
    'phase foundation (foundation, wave 2) needs operator prometheus-operator (foundation, wave 2)',
  ]);
});
