import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ALERTMANAGER_VERSION,
  ARGO_CD_VERSION,
  BUILDKIT_VERSION,
  KUBERNETES_VERSION,
  KWOK_VERSION,
  PROGRAMS,
  PROMETHEUS_VERSION,
} from '../../acceptance/programs';

const text = (module: string, file: string): string =>
  readFileSync(join(__dirname, '..', '..', 'tools', module, file), 'utf8');

test('the modules pin the versions that the programs are said to have', () => {
  expect(text('kubernetes', 'go.mod')).toContain(`\tk8s.io/kubernetes ${KUBERNETES_VERSION}\n`);
  expect(text('argo-cd', 'go.mod')).toContain(`github.com/argoproj/argo-cd/v3 ${ARGO_CD_VERSION}\n`);
  expect(text('kwok', 'go.mod')).toContain(`sigs.k8s.io/kwok ${KWOK_VERSION}\n`);
  expect(text('prometheus', 'go.mod')).toContain(`prometheus/prometheus ${PROMETHEUS_VERSION}\n`);
  expect(text('alertmanager', 'go.mod')).toContain(`prometheus/alertmanager ${ALERTMANAGER_VERSION}\n`);
  expect(text('dockerfile', 'go.mod')).toContain(`moby/buildkit ${BUILDKIT_VERSION}\n`);
});

test('every module of Kubernetes is held at the version that belongs to it', () => {
  const replaced = [...text('kubernetes', 'go.mod').matchAll(/^\tk8s\.io\/(\S+) => k8s\.io\/(\S+) (\S+)$/gm)];
  const wanted = KUBERNETES_VERSION.replace('v1.', 'v0.');
  expect(replaced.length).toBeGreaterThan(25);
  expect(replaced.filter(([, from, to, version]) => from !== to || version !== wanted)).toEqual([]);
});

test('each package that is built is required by its module', () => {
  for (const { module, package: path } of Object.values(PROGRAMS))
    if (path.startsWith('./')) expect(text(module, join(path, 'main.go'))).toContain('package main');
    else expect(text(module, 'tools.go')).toContain(`_ "${path}"`);
});

test('on PATH, a program of another version does not count', () => {
  const { answer } = PROGRAMS['kube-apiserver'];
  expect(answer.test('Kubernetes v1.33.2')).toBe(true);
  expect(answer.test('Kubernetes v1.32.9')).toBe(false);
  expect(PROGRAMS.kwok.answer.test('kwok version v0.6.1 go1.24 (linux/amd64)')).toBe(false);
});
