import { spec } from '../../constructs/platform/workloads';
import { MOUNTS } from '../../constructs/vault-mtls/configuration/needs';
import type { ClusterSpec, DatabaseRoleSpec } from '../../imports/postgresql.cnpg.io';
import type { Platform } from '../../synth/platform';
import { time } from '../figures';
import type { Finding } from '../guarantee';
import type { Held, Login } from './model';

/** How Vault gets into a database, as it is written into it. */
interface Connection {
  readonly name: string;
  readonly url: URL;
  readonly user: string;
  readonly connections: number;
  readonly roles: readonly string[];
}

/** What Vault makes logins by. */
interface Lease {
  readonly name: string;
  readonly database: string;
  readonly seconds: number;
  readonly longestSeconds: number;
  /** Logins at once, and sessions of each, as its SQL says; none where it says nothing. */
  readonly logins?: number;
  readonly sessions?: number;
}

/**
 * What Vault lends is there to be lent: its own login is made and may do nothing but make others, the server has room for all that
 * is lent, and whoever is lent a login reaches the server, logged in for as long as it lasts. That Vault reaches it is the network's guarantee.
 */
export function leaseFindings(platform: Platform, held: Held, logins: readonly Login[]): Finding[] {
  const connections = connectionsOf(held);
  const leases = leasesOf(held);
  const { path } = held.object;
  const says = (cause: string, remedy: string): Finding => ({ path, cause, remedy });
  return [
    ...connections.flatMap((connection) => [
      ...wayIn(connection).map(([cause, remedy]) => says(cause, remedy)),
      ...lenderFindings(platform, connection, leases).map(([cause, remedy]) => says(cause, remedy)),
    ]),
    ...leases.flatMap((lease) => {
      const connection = connections.find(
        ({ name, roles }) => name === lease.database && roles.includes(lease.name),
      );
      if (!connection)
        return [
          says(
            `Vault lends ${lease.name} of ${lease.database}, which allows no such role`,
            'declare it by vault.lease',
          ),
        ];
      const borrowers = borrowersOf(lease, held, logins);
      return [
        ...(borrowers.length === 0 ? [says(`Vault lends ${lease.name} to nobody`, 'take it away')] : []),
        ...(lease.seconds > 0 && lease.seconds <= lease.longestSeconds
          ? []
          : [
              says(
                `Vault lends ${lease.name} for ${time(lease.seconds)} at first, and ${time(lease.longestSeconds)} at the most`,
                'write a default_ttl that is no longer than max_ttl',
              ),
            ]),
        ...borrowers.flatMap((borrower) => borrowerFindings(borrower, lease, connection)),
      ];
    }),
  ];
}

type Objection = readonly [cause: string, remedy: string];

function connectionsOf({ entries }: Held): Connection[] {
  return at(entries, 'config').map(([name, body]) => ({
    name,
    // Vault fills these in, and a URL may not have them.
    url: new URL(String(body['connection_url']).replace('{{username}}:{{password}}@', '')),
    user: String(body['username']),
    connections: Number(body['max_open_connections'] ?? 0),
    roles: body['allowed_roles'] as readonly string[],
  }));
}

function leasesOf({ entries }: Held): Lease[] {
  return at(entries, 'roles').map(([name, body]) => {
    const sql = String(body['creation_statements']);
    const number = (pattern: RegExp): number | undefined => {
      const [, found] = pattern.exec(sql) ?? [];
      return found === undefined ? undefined : Number(found);
    };
    return {
      name,
      database: String(body['db_name']),
      seconds: Number(body['default_ttl'] ?? 0),
      longestSeconds: Number(body['max_ttl'] ?? 0),
      logins: number(/all (\d+) logins are lent/),
      sessions: number(/CONNECTION LIMIT (\d+)/),
    };
  });
}

function at(entries: Held['entries'], kind: string): [name: string, body: Held['entries'][number]['body']][] {
  const prefix = `${MOUNTS.database}/${kind}/`;
  return entries.flatMap(({ path, body }) =>
    path.startsWith(prefix) ? [[path.slice(prefix.length), body]] : [],
  );
}

function wayIn({ name, url: { searchParams } }: Connection): Objection[] {
  return searchParams.get('sslmode') === 'verify-full' &&
    searchParams.has('sslcert') &&
    searchParams.has('sslrootcert')
    ? []
    : [
        [
          `Vault connects to database ${name} without knowing it, or without showing a certificate`,
          'write sslmode=verify-full, sslrootcert and sslcert',
        ],
      ];
}

/** Rights that make more than logins. */
const RIGHTS = ['superuser', 'createdb', 'replication', 'bypassrls'] as const;

function lenderFindings(platform: Platform, connection: Connection, leases: readonly Lease[]): Objection[] {
  const { name, user, url } = connection;
  const [, namespace = ''] = url.hostname.split('.');
  const roles = rolesIn(platform, namespace);
  const own = roles.find((role) => role.name === user);
  const server = platform.objects.find(
    ({ manifest: { kind, metadata } }) =>
      kind === 'Cluster' && metadata.namespace === namespace && metadata.name === own?.cluster.name,
  );
  if (!own || !server)
    return [
      [
        `Vault logs in to database ${name} as ${user}, which no DatabaseRole of ${namespace} makes`,
        'give the cluster lending',
      ],
    ];
  const cluster = spec<ClusterSpec>(server.manifest);
  return [
    ...rightsFindings(own, cluster, connection),
    ...roomFindings(
      [...roles, ...(cluster.managed?.roles ?? []).filter(({ ensure }) => ensure !== 'absent')],
      leases.filter(({ database }) => database === name),
      cluster,
    ),
  ];
}

function rightsFindings(
  own: DatabaseRoleSpec,
  { managed }: ClusterSpec,
  { user, connections }: Connection,
): Objection[] {
  const { cluster, connectionLimit = -1, inRoles = [], createrole, login } = own;
  const more = [...RIGHTS.filter((right) => own[right]), ...inRoles];
  const objections: readonly (readonly [is: boolean, ...Objection])[] = [
    [!createrole || !login, `${user} may not make logins`, 'write login and createrole'],
    [
      more.length > 0,
      `${user} makes logins for Vault and is ${more.join(', ')} besides`,
      'take that away: what is lent is granted to it',
    ],
    [
      (managed?.roles ?? []).some((role) => role.name === user),
      `${user} is in the list of Cluster ${cluster.name}, whose operator takes back what it may do with roles that it made`,
      'make it by a DatabaseRole alone',
    ],
    [
      !(connections > 0 && connections <= connectionLimit),
      `Vault may hold ${connections} connections as ${user}, which is allowed ${connectionLimit}`,
      'write max_open_connections within connectionLimit',
    ],
  ];
  return objections.flatMap(([is, cause, remedy]) => (is ? [[cause, remedy] as const] : []));
}

/** Whether all roles at their limits, and all that is lent of them, fit into the server. */
function roomFindings(
  roles: readonly { readonly connectionLimit?: number }[],
  leases: readonly Lease[],
  { postgresql }: ClusterSpec,
): Objection[] {
  const unlimited = leases.filter(({ logins, sessions }) => logins === undefined || sessions === undefined);
  if (unlimited.length > 0)
    return [
      [
        `Vault lends any number of ${unlimited.map(({ name }) => name).join(', ')}`,
        'have its SQL count what is lent, and limit the sessions of each',
      ],
    ];
  const held = roles.map(({ connectionLimit = Infinity }) => connectionLimit);
  const lent = leases.map(({ logins = 0, sessions = 0 }) => logins * sessions);
  const needed = [...held, ...lent].reduce((sum, each) => sum + each, 0);
  const { max_connections: most, superuser_reserved_connections: reserved } = postgresql?.parameters ?? {};
  const room = Number(most) - Number(reserved);
  return needed <= room
    ? []
    : [
        [
          `the roles of the server may hold ${needed} connections with what Vault lends of them, and it has ${room}`,
          'give connectionBudget the logins that are lent',
        ],
      ];
}

function rolesIn({ objects }: Platform, namespace: string): DatabaseRoleSpec[] {
  return objects.flatMap(({ manifest }) =>
    manifest.kind === 'DatabaseRole' && manifest.metadata.namespace === namespace
      ? [spec<DatabaseRoleSpec>(manifest)]
      : [],
  );
}

/** Whoever may have a login, and for how long they are logged in to Vault. */
interface Borrower {
  readonly account: string;
  readonly longestSeconds: number;
  readonly logins: readonly Login[];
}

function borrowersOf({ name }: Lease, { roles, policies }: Held, logins: readonly Login[]): Borrower[] {
  const path = `${MOUNTS.database}/creds/${name}`;
  return roles
    .filter((role) =>
      role.policies.some((policy) => policies.get(policy)?.some((rule) => rule.path === path)),
    )
    .flatMap(({ accounts, longestSeconds }) =>
      accounts.map((account) => ({
        account,
        longestSeconds,
        logins: logins.filter((login) => login.account === account),
      })),
    );
}

function borrowerFindings(
  { account, longestSeconds, logins }: Borrower,
  lease: Lease,
  { url }: Connection,
): Finding[] {
  return logins.flatMap(({ object: { path, connections } }) => {
    const reaches = [...(connections?.targets ?? [])].some(({ address }) => address === url.host);
    return [
      ...(reaches
        ? []
        : [
            {
              path,
              cause: `${account} is lent ${lease.name} of ${url.host}, which it does not reach`,
              remedy: 'declare both by vault.lease',
            },
          ]),
      ...(longestSeconds >= lease.longestSeconds
        ? []
        : [
            {
              path,
              cause: `${account} is lent ${lease.name} for up to ${time(lease.longestSeconds)} and is logged in for ${time(longestSeconds)}: what it was lent ends with that`,
              remedy: 'have it stay: Needs.stay',
            },
          ]),
    ];
  });
}
