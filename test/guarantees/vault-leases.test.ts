import { clientCertificates } from '../../guarantees/client-certificates';
import { network } from '../../guarantees/network';
import { vault } from '../../guarantees/vault';
import type { Platform } from '../../synth/platform';
import { lendingOn } from '../constructs/lending';
import { platformWith } from '../support';
import { causesOf, changed, told } from './support';

const sound: Platform = platformWith((ground) => void lendingOn(ground));

const LENDER = 'DatabaseRole/postgres/events-lender';

const leases = (platform: Platform): string[] =>
  // That test platform takes no snapshots.
  causesOf(vault, platform).filter((cause) => !cause.includes('snapshot'));

test('what the verb declares is sound, with the ways there and a certificate for each', () => {
  expect(leases(sound)).toEqual([]);
  expect(causesOf(network, sound)).toEqual([]);
  expect(causesOf(clientCertificates, sound)).toEqual([]);
});

test('a database that Vault does not reach is found', () => {
  const [members] = sound.connections.filter(({ construct }) =>
    construct.node.path.endsWith('/vault/Members'),
  );
  const [pooler] = [...(members?.targets ?? [])].filter(({ host }) => host.startsWith('events-pool.'));
  if (!members || !pooler) throw new Error('Vault has no way to the database');
  members.targets.delete(pooler);
  try {
    expect(causesOf(network, sound)).toContainEqual(
      expect.stringMatching(/desired\.json names events-pool\.postgres.*Members/),
    );
  } finally {
    members.targets.add(pooler);
  }
});

test.each<[string, (text: string) => string, RegExp]>([
  [
    'a login that nobody makes',
    (text) => text.replace('"username": "lighthouse_lender"', '"username": "postgres"'),
    /Vault logs in to database events as postgres, which no DatabaseRole of postgres makes/,
  ],
  [
    'a connection to anybody',
    (text) => text.replace('sslmode=verify-full', 'sslmode=require'),
    /Vault connects to database events without knowing it/,
  ],
  [
    'more connections than its login is allowed',
    (text) => text.replace('"max_open_connections": 2', '"max_open_connections": 20'),
    /Vault may hold 20 connections as lighthouse_lender, which is allowed 6/,
  ],
  [
    'any number of connections',
    (text) => text.replace('"max_open_connections": 2', '"max_open_connections": -1'),
    /Vault may hold -1 connections/,
  ],
  [
    'a login for a day',
    (text) => text.replace('"max_ttl": 3600', '"max_ttl": 86400'),
    /database\/roles\/events-reader of Vault lends for 24 h/,
  ],
  [
    'a first hour that is longer than the last',
    (text) => text.replace('"default_ttl": 900', '"default_ttl": 7200'),
    /Vault lends events-reader for 2 h at first, and 60 min at the most/,
  ],
  [
    'a role that its database does not allow',
    (text) =>
      text.replace('"allowed_roles": [\n          "events-reader"', '"allowed_roles": [\n          "other"'),
    /Vault lends events-reader of events, which allows no such role/,
  ],
  [
    'any number of logins',
    (text) => text.replace('all 5 logins are lent', 'enough'),
    /Vault lends any number of events-reader/,
  ],
  [
    'more sessions than there is room for',
    (text) => text.replace('CONNECTION LIMIT 2', 'CONNECTION LIMIT 200'),
    /the roles of the server may hold \d+ connections with what Vault lends of them, and it has \d+/,
  ],
  [
    'a lease for nobody',
    (text) => text.replaceAll('database/creds/events-reader', 'database/creds/other'),
    /Vault lends events-reader to nobody/,
  ],
  [
    'a borrower whose login to Vault ends before',
    (text) => text.replaceAll('"token_max_ttl": 3600', '"token_max_ttl": 900'),
    /ServiceAccount\/app\/borrower is lent events-reader for up to 60 min and is logged in for 15 min/,
  ],
])('%s is found', (_, change, cause) => {
  expect(leases(told(sound, change))).toContainEqual(expect.stringMatching(cause));
});

test.each<[string, string, unknown, RegExp]>([
  [
    'a login of a superuser',
    'spec.superuser',
    true,
    /lighthouse_lender makes logins for Vault and is superuser besides/,
  ],
  ['a login that is the owner', 'spec.inRoles', ['lighthouse_owner'], /and is lighthouse_owner besides/],
  ['a login that makes none', 'spec.createrole', false, /lighthouse_lender may not make logins/],
])('%s is found', (_, field, value, cause) => {
  expect(leases(changed(sound, LENDER, field, value))).toContainEqual(expect.stringMatching(cause));
});

test('a login in the list that the operator compares is found', () => {
  const roles = [{ name: 'lighthouse_lender', ensure: 'present', login: true, connectionLimit: 1 }];
  expect(leases(changed(sound, 'Cluster/postgres/events', 'spec.managed.roles', roles))).toContainEqual(
    expect.stringMatching(/is in the list of Cluster events, whose operator takes back/),
  );
});

test('a borrower that does not reach the database is found', () => {
  const borrower = sound.connections.find(({ construct }) => construct.node.id === 'borrower');
  const [pooler] = [...(borrower?.targets ?? [])].filter(({ host }) => host.startsWith('events-pool.'));
  if (!borrower || !pooler) throw new Error('the borrower has no way to the database');
  borrower.targets.delete(pooler);
  try {
    expect(leases(sound)).toContainEqual(
      'ServiceAccount/app/borrower is lent events-reader of events-pool.postgres.svc.cluster.local:5432, which it does not reach',
    );
  } finally {
    borrower.targets.add(pooler);
  }
});
