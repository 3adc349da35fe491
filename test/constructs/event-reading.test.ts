import type { DeploymentSpec, Container, NetworkPolicySpec } from '../../imports/k8s';
import { EventReading } from '../../constructs/event-reading';
import { namespaceAround } from '../../constructs/platform/names';
import { spec } from '../../constructs/platform/workloads';
import { PostgresCluster } from '../../constructs/postgres-cluster';
import { clientCertificates } from '../../guarantees/client-certificates';
import { network } from '../../guarantees/network';
import { vault as vaultGuarantee } from '../../guarantees/vault';
import { causesOf } from '../guarantees/support';
import { find, manifestsOf, platformWith } from '../support';
import { required } from './lending';
import { vaultOn } from './vault';

const platform = platformWith((ground) => {
  const vault = vaultOn(ground, { members: 1, seal: { kind: 'development' } });
  const { lender } = new PostgresCluster(ground.namespaces.add('postgres'), 'events', {
    ...required(ground),
    lending: { by: namespaceAround(vault), logins: 2 },
  });
  if (!lender) throw new Error('there is no lender');
  new EventReading(ground.namespaces.add('reading'), 'events', {
    images: { postgres: 'registry.example.com/postgresql:18.4', python: 'registry.example.com/python:3.13' },
    vault,
    lender,
    authority: ground.authority,
  });
});

const manifests = manifestsOf(platform);
const deployment = manifests.find(
  ({ kind, metadata }) => kind === 'Deployment' && metadata.namespace === 'reading',
);
if (!deployment) throw new Error('nobody can read');
const pod = spec<DeploymentSpec>(deployment).template.spec;

function container(name: string): Container {
  const found = pod?.containers.find((each) => each.name === name);
  if (!found) throw new Error(`no container ${name}`);
  return found;
}

const mountsOf = (name: string) => container(name).volumeMounts?.map((mount) => mount.name);
const envOf = (name: string) =>
  Object.fromEntries((container(name).env ?? []).map((each) => [each.name, each.value]));

test('who knows Vault has no way into the database, and who knows the database has none into Vault', () => {
  expect(mountsOf('lend')).toContain('token');
  expect(mountsOf('lend')).not.toContain('tls');
  expect(mountsOf('psql')).toContain('tls');
  expect(mountsOf('psql')).not.toContain('token');
  expect(pod?.automountServiceAccountToken).toBe(false);
});

test('no container is given a password', () => {
  expect(JSON.stringify(pod)).not.toMatch(/secretKeyRef|PGPASSWORD/);
});

test('a login is asked for where it is lent, in the role of its account', () => {
  expect(envOf('lend')).toMatchObject({
    VAULT: 'https://vault.vault.svc.cluster.local:8200',
    ROLE: 'lighthouse-reading-events',
    LENDS: 'database/creds/events-reader',
  });
});

test('the database is known, and shown a certificate, by way of the pooler', () => {
  expect(envOf('psql')).toMatchObject({
    PGHOST: 'events-pool.postgres.svc.cluster.local',
    PGSSLMODE: 'verify-full',
    PGSSLCERT: '/tls/tls.crt',
    PSQL_HISTORY: '/dev/null',
  });
});

test('what passes between the two is in memory', () => {
  expect(pod?.volumes?.find(({ name }) => name === 'desk')).toEqual({
    name: 'desk',
    emptyDir: { medium: 'Memory', sizeLimit: '1Mi' },
  });
});

test('it reaches Vault and the pooler, nobody reaches it, and all that is lent is sound', () => {
  const { ingress, egress } = spec<NetworkPolicySpec>(
    find(
      manifests.filter(({ metadata }) => metadata.namespace === 'reading'),
      'NetworkPolicy',
      'events',
    ),
  );
  expect(ingress ?? []).toEqual([]);
  const ports = (egress ?? []).flatMap((rule) => rule.ports?.map(({ port }) => port) ?? []);
  expect(ports).toEqual([53, 53, 5432, 8200]);
  expect(causesOf(network, platform)).toEqual([]);
  expect(causesOf(clientCertificates, platform)).toEqual([]);
  expect(causesOf(vaultGuarantee, platform).filter((cause) => !cause.includes('snapshot'))).toEqual([]);
});
