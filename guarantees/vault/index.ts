import { spec } from '../../constructs/platform/workloads';
import { MOUNTS } from '../../constructs/vault-mtls/configuration/needs';
import { LONGEST_LEASE } from '../../constructs/vault-mtls/leases';
import { AUDIENCE, CONFIGURATION } from '../../constructs/vault-mtls/admission';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type { ExternalSecretSpec } from '../../imports/external-secrets.io';
import type { Platform, PlatformObject } from '../../synth/platform';
import { identify } from '../../synth/references';
import { time } from '../figures';
import type { Finding, Guarantee } from '../guarantee';
import { leaseFindings } from './leases';
import { isRooted, peopleFindings } from './people';
import { accountsIn, type Held, heldBy, type Login, loginsTo, type Rule, type VaultRole } from './model';

/**
 * Whoever logs in to Vault has one role and one policy of their own, for exactly the paths that they use; nobody has a role whom
 * nothing runs as; people have what their group has, which is neither secrets nor rights; nothing lasts for ever. That they reach Vault is the network's and the operators' guarantee.
 */
export const vault: Guarantee = {
  name: 'vault',
  check: (platform) => {
    const all = heldBy(platform);
    const logins = loginsTo(platform);
    const accounts = accountsIn(platform);
    return {
      findings: [
        ...logins.flatMap((login) => unknown(login, all)),
        ...all.flatMap((held) => [
          ...held.roles.flatMap((role) => [...roleFindings(role, held, accounts, logins)]),
          ...[...held.policies].flatMap(([name, rules]) => policyFindings(name, rules, held)),
          ...held.entries.flatMap(({ path, body }) => lifetime(path, body, held)),
          ...reading(platform, held, logins),
          ...leaseFindings(platform, held, logins),
          ...peopleFindings(held),
        ]),
        ...names(platform, all, logins),
      ],
      facts: all.map(({ object, roles, groups, policies }) => ({
        subject: `Vault in ${object.manifest.metadata.namespace ?? ''}`,
        figure: `${roles.length} roles, ${groups.length} groups of people, ${policies.size} policies, ${logins.length} who log in`,
      })),
    };
  },
};

/** May do anything, being what configures Vault; its policy says so. */
const ADMINISTRATOR = CONFIGURATION.role;

/** The longest that a login may last, seconds. */
const LONGEST_LOGIN = 3600;

const DAY = 24 * 3600;

/** The longest that something lent may last, seconds, by the engine that lends it and the field that says so. */
const LONGEST: readonly (readonly [prefix: string, field: string, seconds: number])[] = [
  // As the platform's own leaves; its signer is renewed while it outlives them (rotation).
  [`${MOUNTS.pki}/roles/`, 'max_ttl', 90 * DAY],
  [`${MOUNTS.database}/roles/`, 'max_ttl', LONGEST_LEASE],
];

/** Vault tells its audit devices to nobody without this right, who may then do nothing else with it. */
const ASKS_MORE: Rule = { path: 'sys/audit', capabilities: ['read', 'sudo'] };

function unknown({ object, account, role }: Login, all: readonly Held[]): Finding[] {
  const roles = all.flatMap((held) => held.roles).filter(({ accounts }) => accounts.includes(account));
  const said = roles.map(({ name }) => name);
  const { kind, metadata } = object.manifest;
  const subject = `${kind} ${metadata.name} logs in to Vault as ${account}`;
  if (roles.length !== 1)
    return [
      {
        path: object.path,
        cause: `${subject}, for which there ${roles.length === 0 ? 'is no role' : `are the roles ${said.join(', ')}`}`,
        remedy: 'declare what it needs, once: the verbs of VaultMtls, or Needs.allow',
      },
    ];
  if (role === undefined || said.includes(role)) return [];
  return [
    {
      path: object.path,
      cause: `${subject} in role ${role}, and that account's is ${said.join()}`,
      remedy: 'take the name from roleOf(account)',
    },
  ];
}

function roleFindings(
  { name, accounts, policies, longestSeconds, audience }: VaultRole,
  { object: { path }, policies: written }: Held,
  existing: ReadonlySet<string>,
  logins: readonly Login[],
): Finding[] {
  const about = (isWrong: boolean, cause: string, remedy: string): Finding[] =>
    isWrong ? [{ path, cause: `role ${name} of Vault ${cause}`, remedy }] : [];
  const [account = ''] = accounts;
  return [
    ...about(
      accounts.length !== 1 || account.includes('*'),
      `lets in ${accounts.join(', ') || 'nobody'}`,
      'write one service account of one namespace',
    ),
    ...about(
      accounts.length === 1 && !account.includes('*') && !existing.has(account),
      `is for ${account}, which nothing makes`,
      'make it, or take the need away',
    ),
    ...about(
      existing.has(account) && !logins.some((login) => login.account === account),
      `is for ${account}, as which nobody logs in`,
      'take the need away, or mount a token for Vault: tokenVolume',
    ),
    ...about(
      policies.length !== 1 || !written.has(policies[0] ?? ''),
      `has the policies ${policies.join(', ') || 'none'}`,
      'give it the one of its own name',
    ),
    ...about(
      !(longestSeconds > 0 && longestSeconds <= LONGEST_LOGIN),
      `makes logins that last ${longestSeconds > 0 ? time(longestSeconds) : 'as long as they like'}`,
      `write a token_max_ttl of at most ${LONGEST_LOGIN}`,
    ),
    ...about(
      audience !== AUDIENCE,
      `takes tokens that are for ${audience ?? 'anybody'}`,
      `write audience ${AUDIENCE}: others' tokens would do otherwise`,
    ),
  ];
}

function policyFindings(
  name: string,
  rules: readonly Rule[],
  { object: { path }, roles, groups }: Held,
): Finding[] {
  const holdersIn = (all: Held['roles'] | Held['groups']): string[] =>
    all.filter(({ policies }) => policies.includes(name)).map((each) => each.name);
  const people = holdersIn(groups);
  const holders = [...holdersIn(roles), ...people];
  const shared =
    holders.length === 1
      ? []
      : [
          {
            path,
            cause: `policy ${name} of Vault is given to ${holders.join(', ') || 'nobody'}`,
            remedy: 'give every role and every group a policy of its own',
          },
        ];
  if (name === ADMINISTRATOR) return shared;
  return [
    ...shared,
    ...rules
      .filter((rule) => isTooMuch(rule) && !isSame(rule, ASKS_MORE) && !(people.length > 0 && isRooted(rule)))
      .map(({ path: where, capabilities }) => ({
        path,
        cause: `policy ${name} of Vault allows ${capabilities.join(', ')} at ${where}`,
        remedy: 'write out the paths that are used, and no sudo',
      })),
  ];
}

function isTooMuch({ path, capabilities }: Rule): boolean {
  return /[*+]/.test(path) || capabilities.includes('sudo');
}

function isSame(one: Rule, other: Rule): boolean {
  return one.path === other.path && one.capabilities.join() === other.capabilities.join();
}

function lifetime(
  entry: string,
  body: Readonly<Record<string, unknown>>,
  { object: { path } }: Held,
): Finding[] {
  return LONGEST.filter(([prefix]) => entry.startsWith(prefix)).flatMap(([, field, most]) => {
    const longest = Number(body[field] ?? 0);
    if (longest > 0 && longest <= most) return [];
    return [
      {
        path,
        cause: `${entry} of Vault lends for ${longest > 0 ? time(longest) : 'as long as anybody likes'}`,
        remedy: `write a ${field} of at most ${most}`,
      },
    ];
  });
}

/** What is fetched from Vault may be read, and what may be read is fetched. */
function reading(
  { objects }: Platform,
  { object: { path }, roles, policies }: Held,
  logins: readonly Login[],
): Finding[] {
  return logins.flatMap(({ object, account }) => {
    const { kind, metadata } = object.manifest;
    if (kind !== 'SecretStore') return [];
    const fetched = new Map<string, PlatformObject>(
      objects.flatMap((each) =>
        entriesOf(each, metadata.namespace, metadata.name).map(
          (entry) => [`${MOUNTS.kv}/data/${entry}`, each] as const,
        ),
      ),
    );
    const role = roles.find(({ accounts }) => accounts.includes(account));
    const allowed = (role?.policies ?? []).flatMap((name) => policies.get(name) ?? []);
    return [
      ...[...fetched]
        .filter(
          ([entry]) => !allowed.some((rule) => rule.path === entry && rule.capabilities.includes('read')),
        )
        .map(([entry, each]) => ({
          path: each.path,
          cause: `${each.manifest.kind} ${each.manifest.metadata.name} fetches ${entry}, which ${account} may not read`,
          remedy: 'name it where the store is asked for: storeFor(construct, entries)',
        })),
      ...allowed
        .filter((rule) => !fetched.has(rule.path))
        .map((rule) => ({
          path,
          cause: `${account} may ${rule.capabilities.join(', ')} ${rule.path} in Vault, which nothing fetches`,
          remedy: 'take it away',
        })),
    ];
  });
}

function entriesOf({ manifest }: PlatformObject, namespace: string | undefined, store: string): string[] {
  if (manifest.kind !== 'ExternalSecret' || manifest.metadata.namespace !== namespace) return [];
  const { secretStoreRef, data = [] } = spec<ExternalSecretSpec>(manifest);
  if (secretStoreRef?.kind !== 'SecretStore' || secretStoreRef.name !== store) return [];
  return data.map(({ remoteRef }) => remoteRef.key);
}

/** A certificate has no name that Vault would not sign. */
function names({ objects }: Platform, all: readonly Held[], logins: readonly Login[]): Finding[] {
  return objects.flatMap(({ path, manifest }) => {
    if (manifest.kind !== 'Certificate') return [];
    const { issuerRef, dnsNames = [] } = spec<CertificateSpec>(manifest);
    const issuer = identify('Issuer', manifest.metadata.namespace, issuerRef.name);
    const login = logins.find(
      ({ object: { manifest: each } }) =>
        identify(each.kind, each.metadata.namespace, each.metadata.name) === issuer,
    );
    if (issuerRef.kind !== 'Issuer' || !login) return [];
    const signed = all.flatMap(({ entries }) =>
      entries.flatMap((entry) =>
        entry.path === `${MOUNTS.pki}/roles/${login.role}`
          ? (entry.body['allowed_domains'] as readonly string[])
          : [],
      ),
    );
    const refused = dnsNames.filter((name) => !signed.includes(name));
    if (refused.length === 0) return [];
    return [
      {
        path,
        cause: `Certificate ${manifest.metadata.name} is for ${refused.join(', ')}, and Vault signs ${signed.join(', ') || 'nothing'} in role ${login.role ?? ''}`,
        remedy: 'ask for the names of the endpoint: vault.issue(endpoint)',
      },
    ];
  });
}
