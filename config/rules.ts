import { createPublicKey } from 'node:crypto';
import { parseDuration } from '../constructs/platform/duration';
import { parseQuantity } from '../constructs/platform/quantity';
import { type Finding, type Path, show } from './document';
import type { Environment } from './schema';

/** What one value of an environment says about another. */
export interface Rule {
  /** The sections it looks at; it has nothing to say while one of them is not well-formed. */
  readonly reads: readonly (keyof Environment)[];
  readonly check: (environment: Environment) => readonly Finding[];
}

const rule = <K extends keyof Environment>(
  reads: readonly K[],
  check: (environment: Pick<Environment, K>) => readonly Finding[],
): Rule => ({ reads, check });

const unless = (right: boolean, path: Path, message: string): readonly Finding[] =>
  right ? [] : [{ path, message }];

/** Every rule, by what it demands. */
export const rules: Readonly<Record<string, Rule>> = {
  'cluster names are unique': rule(['clusters'], ({ clusters }) => {
    const names = clusters.map(({ name }) => name);
    return clusters.flatMap(({ name }, i) => {
      const first = names.indexOf(name);
      return unless(
        first === i,
        ['clusters', i, 'name'],
        `clusters[${first}] is called ${show(name)} already`,
      );
    });
  }),

  'one cluster is the primary': rule(['clusters'], ({ clusters }) => {
    const first = clusters.findIndex(({ role }) => role === 'primary');
    if (first < 0)
      return [{ path: ['clusters'], message: 'must have one cluster with role primary, got none' }];
    return clusters.flatMap(({ role }, i) =>
      unless(
        role !== 'primary' || i === first,
        ['clusters', i, 'role'],
        `must be standby: clusters[${first}] is the primary`,
      ),
    );
  }),

  'groups begin with what the API server puts before them': rule(['access'], ({ access }) => {
    const prefix = access?.identityProvider?.groupsPrefix ?? '';
    return Object.entries(access?.groups ?? {}).flatMap(([person, group]) =>
      unless(
        group.startsWith(prefix) && group.length > prefix.length,
        ['access', 'groups', person],
        `must begin with ${show(prefix)} (identityProvider.groupsPrefix) and go on, got ${show(group)}`,
      ),
    );
  }),

  'public keys can be read': rule(['signatures'], ({ signatures }) =>
    (signatures?.publicKeys ?? []).flatMap((key, i) =>
      unless(
        isPublicKey(key),
        ['signatures', 'publicKeys', i],
        'must be an ECDSA, RSA or Ed25519 key: what is between its first and its last line is none',
      ),
    ),
  ),

  'sync windows are in a time zone that exists': rule(['delivery'], ({ delivery: { syncWindows = [] } }) =>
    syncWindows.flatMap(({ timeZone }, i) =>
      unless(
        isTimeZone(timeZone),
        ['delivery', 'syncWindows', i, 'timeZone'],
        `must be a time zone of the IANA database, got ${show(timeZone)}`,
      ),
    ),
  ),

  'sync windows begin at times that exist': rule(['delivery'], ({ delivery: { syncWindows = [] } }) =>
    syncWindows.flatMap(({ schedule }, i) =>
      unless(
        schedule.split(' ').every((field, j) => isCronField(field, CRON_FIELDS[j + 1] ?? [0, 0])),
        ['delivery', 'syncWindows', i, 'schedule'],
        `must be minute, hour, day, month and weekday as in "0 18 * * 5", got ${show(schedule)}`,
      ),
    ),
  ),

  'zones are unique': rule(['clusters'], ({ clusters }) =>
    clusters.flatMap(({ zones }, i) =>
      zones.flatMap((zone, j) =>
        unless(
          zones.indexOf(zone) === j,
          ['clusters', i, 'zones', j],
          `${show(zone)} is in the list already`,
        ),
      ),
    ),
  ),

  'members can form a majority': rule(
    ['environment', 'postgres', 'redis', 'vectorDatabase', 'vault'],
    ({ environment, ...services }) =>
      groupsOf(services).flatMap(({ path, members }) => {
        const one = environment === 'production' ? '' : '1, or ';
        const isQuorum = members >= 3 && members % 2 === 1;
        return unless(
          isQuorum || (one !== '' && members === 1),
          path,
          `must be ${one}odd and at least 3 for a quorum, got ${members}`,
        );
      }),
  ),

  'maintenance is in a time zone that exists, and ends after it begins': rule(
    ['observability'],
    ({ observability: { alerting } }) =>
      (alerting.maintenance ?? []).flatMap(({ timeZone, from, to }, i) => {
        const path = ['observability', 'alerting', 'maintenance', i];
        return [
          ...unless(
            isTimeZone(timeZone),
            [...path, 'timeZone'],
            `must be a time zone of the IANA database, got ${show(timeZone)}`,
          ),
          ...unless(from < to, [...path, 'to'], `must be later than ${from}, got ${show(to)}`),
        ];
      }),
  ),

  'maintenance windows have names of their own': rule(
    ['observability'],
    ({ observability: { alerting } }) => {
      const names = (alerting.maintenance ?? []).map(({ name }) => name);
      return names.flatMap((name, i) =>
        unless(
          names.indexOf(name) === i,
          ['observability', 'alerting', 'maintenance', i, 'name'],
          `${show(name)} is in the list already`,
        ),
      );
    },
  ),

  'whoever is told can be reached': rule(['observability'], ({ observability: { alerting } }) => {
    const { receivers } = alerting;
    if (!receivers || receivers.proxy) return [];
    return (['chat', 'page', 'deadMansSwitch'] as const).flatMap((service) =>
      unless(
        receivers[service].address !== undefined,
        ['observability', 'alerting', 'receivers', service],
        'must have an address where there is no proxy to it',
      ),
    );
  }),

  'secrets of receivers are in one place': rule(['observability'], ({ observability: { alerting } }) => {
    const { receivers } = alerting;
    if (!receivers || (receivers.from === undefined) !== (receivers.secretStore === undefined)) return [];
    const path = ['observability', 'alerting', 'receivers', 'secretStore'];
    return receivers.from === undefined
      ? [{ path, message: 'is missing; name one, or write from: vault' }]
      : [{ path, message: 'must not be given with from: vault', at: 'key' }];
  }),

  'in production somebody is told': rule(
    ['environment', 'observability'],
    ({ environment, observability: { alerting } }) =>
      unless(
        environment !== 'production' || alerting.receivers !== undefined,
        ['observability', 'alerting'],
        'must have receivers in production: without them alerts are only printed',
      ),
  ),

  'production has no single pod to lose': rule(
    ['environment', 'postgres', 'redis', 'vectorDatabase', 'edge', 'observability'],
    ({ environment, postgres, redis, vectorDatabase, edge, observability }) =>
      [
        {
          path: ['observability', 'alerting', 'alertmanagers'],
          pods: observability.alerting.alertmanagers,
        },
        { path: ['postgres', 'poolers'], pods: postgres.poolers },
        { path: ['redis', 'proxies'], pods: redis.proxies },
        { path: ['vectorDatabase', 'embeddings', 'replicas'], pods: vectorDatabase.embeddings.replicas },
        { path: ['edge', 'replicas'], pods: edge.replicas },
      ].flatMap(({ path, pods }) =>
        unless(
          environment !== 'production' || pods >= 2,
          path,
          `must be at least 2 in production, got ${pods}`,
        ),
      ),
  ),

  'production spans three zones and two regions': rule(
    ['environment', 'clusters', 'spreading'],
    ({ environment, clusters, spreading }) => {
      if (environment !== 'production') return [];
      const regions = new Set(clusters.map(({ region }) => region));
      return [
        ...unless(
          spreading === 'required',
          ['spreading'],
          `must be required in production, got ${show(spreading)}`,
        ),
        ...unless(
          clusters.length >= 2,
          ['clusters'],
          `must be at least 2 in production, one primary and one standby, got ${clusters.length}`,
        ),
        ...unless(
          clusters.length < 2 || regions.size >= 2,
          ['clusters'],
          `must lie in at least 2 regions in production, got ${[...regions].join()} alone`,
        ),
        ...clusters.flatMap(({ zones }, i) =>
          unless(
            zones.length >= 3,
            ['clusters', i, 'zones'],
            `must be at least 3 in production, so that a majority outlives one, got ${zones.length}`,
          ),
        ),
      ];
    },
  ),

  'required spreading finds a node in every zone': rule(
    ['spreading', 'clusters'],
    ({ spreading, clusters }) =>
      clusters.flatMap(({ zones, nodes }, i) =>
        unless(
          spreading === 'preferred' || nodes.count >= zones.length,
          ['clusters', i, 'nodes', 'count'],
          `must be at least ${zones.length}, one per zone, where spreading is required, got ${nodes.count}`,
        ),
      ),
  ),

  'required spreading finds a node for every member': rule(
    ['spreading', 'clusters', 'postgres', 'redis', 'vectorDatabase', 'vault'],
    ({ spreading, clusters, ...services }) => {
      if (spreading === 'preferred') return [];
      const nodes = Math.min(...clusters.map((cluster) => cluster.nodes.count));
      return groupsOf(services).flatMap(({ path, members }) =>
        unless(
          members <= nodes,
          path,
          `must be at most ${nodes}, the nodes of the smallest cluster, where spreading is required, got ${members}`,
        ),
      );
    },
  ),

  'nodes hold the budget': rule(['spreading', 'budgets', 'clusters'], ({ spreading, budgets, clusters }) =>
    clusters.flatMap(({ zones, nodes }, i) => {
      const losesZone = spreading === 'required' && zones.length >= 3;
      // Nodes may be spread unevenly by one, and the fuller zone is the one that fails.
      const left = losesZone ? nodes.count - Math.ceil(nodes.count / zones.length) : nodes.count;
      return (['cpu', 'memory'] as const).flatMap((resource) =>
        unless(
          left * parseQuantity(nodes[resource]) >= parseQuantity(budgets[resource]),
          ['clusters', i, 'nodes', resource],
          `must let ${left} nodes${losesZone ? ' (one zone is gone)' : ''} hold budgets.${resource} ` +
            `${budgets[resource]}, got ${nodes[resource]} each`,
        ),
      );
    }),
  ),

  'development fits a laptop': rule(['environment', 'budgets'], ({ environment, budgets: { memory } }) =>
    unless(
      environment !== 'development' || parseQuantity(memory) <= parseQuantity('8Gi'),
      ['budgets', 'memory'],
      `must be at most 8Gi in development, got ${memory}`,
    ),
  ),

  'certificate generations ascend': rule(
    ['certificateAuthority'],
    ({ certificateAuthority: { generations } }) =>
      generations.flatMap((generation, i) => {
        const before = generations[i - 1] ?? 0;
        return unless(
          generation > before,
          ['certificateAuthority', 'generations', i],
          `must be more than ${before} before it, got ${generation}`,
        );
      }),
  ),

  'the generation that issues is trusted': rule(
    ['certificateAuthority'],
    ({ certificateAuthority: { generations, issuing } }) =>
      unless(
        generations.includes(issuing),
        ['certificateAuthority', 'issuing'],
        `must be one of certificateAuthority.generations, ${generations.join(', ')}, got ${issuing}`,
      ),
  ),

  'the write-ahead log is no larger than the data': rule(
    ['postgres'],
    ({ postgres: { storage, walStorage } }) =>
      unless(
        parseQuantity(walStorage) <= parseQuantity(storage),
        ['postgres', 'walStorage'],
        `must be at most postgres.storage, ${storage}, got ${walStorage}`,
      ),
  ),

  'the recovery point is one that archiving can reach': rule(['targets'], ({ targets: { recoveryPoint } }) =>
    unless(
      parseDuration(recoveryPoint) >= parseDuration('5m'),
      ['targets', 'recoveryPoint'],
      `must be at least 5m: PostgreSQL archives its log every five minutes (archive_timeout), got ${recoveryPoint}`,
    ),
  ),

  'production keeps backups for a week': rule(['environment', 'postgres'], ({ environment, postgres }) => {
    const { retention } = postgres.backup;
    return unless(
      environment !== 'production' || parseDuration(retention) >= parseDuration('7d'),
      ['postgres', 'backup', 'retention'],
      `must be at least 7d in production, got ${retention}`,
    );
  }),

  'the backup schedule names times that exist': rule(['postgres'], ({ postgres: { backup } }) =>
    unless(
      backup.schedule.split(' ').every((field, i) => isCronField(field, CRON_FIELDS[i] ?? [0, 0])),
      ['postgres', 'backup', 'schedule'],
      `must be second, minute, hour, day, month and weekday as in "0 0 */6 * * *", got ${show(backup.schedule)}`,
    ),
  ),

  'recovery goes to a time that exists': rule(['postgres'], ({ postgres: { recoverFrom } }) =>
    unless(
      !recoverFrom || isTime(recoverFrom.targetTime),
      ['postgres', 'recoverFrom', 'targetTime'],
      `must be a time that exists, got ${show(recoverFrom?.targetTime)}`,
    ),
  ),

  "object storage is ours or a provider's": rule(['objectStorage'], ({ objectStorage }) => {
    const { engine } = objectStorage;
    return (['cpu', 'memory', 'storage', 'external'] as const).flatMap((key): readonly Finding[] => {
      const isWanted = (key === 'external') === (engine === 'external');
      const isThere = objectStorage[key] !== undefined;
      if (isWanted === isThere) return [];
      const path = ['objectStorage', key];
      if (isWanted) return [{ path, message: `is missing, engine ${engine} needs it` }];
      return [{ path, message: `must not be given with engine ${engine}`, at: 'key' }];
    });
  }),

  'production does not run frozen images': rule(
    ['environment', 'objectStorage'],
    ({ environment, objectStorage }) =>
      unless(
        environment !== 'production' || objectStorage.engine !== 'minio',
        ['objectStorage', 'engine'],
        'must not be minio in production: its images are frozen since September 2025 and get no security fixes; ' +
          'use external or seaweedfs',
      ),
  ),

  'the API server has real addresses': rule(['clusters'], ({ clusters }) =>
    clusters.flatMap(({ apiServer }, i) => cidr(apiServer.cidr, ['clusters', i, 'apiServer', 'cidr'])),
  ),

  'experts have names of their own': rule(['bridge'], ({ bridge: { experts = [] } }) => {
    const all = experts.flatMap(({ id, agents = [] }, i) => [
      { id, path: ['bridge', 'experts', i, 'id'] },
      ...agents.map((agent, j) => ({ id: agent.id, path: ['bridge', 'experts', i, 'agents', j, 'id'] })),
    ]);
    const names = all.map(({ id }) => id);
    return all.flatMap(({ id, path }, i) =>
      unless(names.indexOf(id) === i, path, `${show(id)} is the name of an expert before it`),
    );
  }),

  'agents outside have real addresses': rule(['edge'], ({ edge: { entry } }) =>
    entry?.kind === 'load-balancer'
      ? entry.outside.flatMap((block, i) => cidr(block, ['edge', 'entry', 'outside', i]))
      : [],
  ),

  "labels of the gateway's pods are labels": rule(['edge'], ({ edge: { entry } }) =>
    entry?.kind === 'gateway'
      ? Object.keys(entry.pods.labels).flatMap((key) =>
          unless(
            LABEL_KEY.test(key),
            ['edge', 'entry', 'pods', 'labels', key],
            'must be the key of a label such as gateway.networking.k8s.io/gateway-name',
          ),
        )
      : [],
  ),

  'Vault is not opened by a key beside it, where secrets are worth something': rule(
    ['environment', 'vault'],
    ({ environment, vault: { seal } }) =>
      unless(
        environment === 'development' || seal.kind !== 'development',
        ['vault', 'seal', 'kind'],
        `must not be development in ${environment}: whoever reads one Secret would have every secret; ` +
          'use awskms, gcpckms, azurekeyvault or transit',
      ),
  ),

  'several members of Vault are opened from outside': rule(['vault'], ({ vault: { members, seal } }) =>
    unless(
      members === 1 || seal.kind !== 'development',
      ['vault', 'members'],
      `must be 1 with seal development, got ${members}`,
    ),
  ),

  'who opens Vault has real addresses': rule(['vault'], ({ vault: { seal } }) => {
    if (seal.kind === 'development') return [];
    const { identity } = seal;
    return [
      ...cidr(seal.cidr, ['vault', 'seal', 'cidr']),
      ...(identity ? cidr(identity.cidr, ['vault', 'seal', 'identity', 'cidr']) : []),
    ];
  }),

  "the provider's storage has real addresses": rule(['objectStorage'], ({ objectStorage: { external } }) =>
    external ? cidr(external.cidr, ['objectStorage', 'external', 'cidr']) : [],
  ),
};

/** The services whose members vote. */
const groupsOf = ({
  postgres,
  redis,
  vectorDatabase,
  vault,
}: Pick<Environment, 'postgres' | 'redis' | 'vectorDatabase' | 'vault'>) => [
  { path: ['postgres', 'instances'], members: postgres.instances },
  { path: ['redis', 'cache', 'members'], members: redis.cache.members },
  { path: ['redis', 'sessions', 'members'], members: redis.sessions.members },
  { path: ['vectorDatabase', 'members'], members: vectorDatabase.members },
  { path: ['vault', 'members'], members: vault.members },
];

/** What the API server refuses in a block of addresses, and what would open the door to everyone. */
function cidr(text: string, path: Path): readonly Finding[] {
  const [address = '', prefix = ''] = text.split('/');
  const octets = address.split('.').map(Number);
  const size = 2 ** (32 - Number(prefix));
  const canonical = `${octets.join('.')}/${Number(prefix)}`;
  if (canonical !== text || octets.some((octet) => octet > 255) || Number(prefix) > 32) {
    return [
      { path, message: `must have octets up to 255, a prefix up to 32 and no leading zeros, got ${text}` },
    ];
  }
  if (prefix === '0') return [{ path, message: `must not be every address there is, got ${text}` }];
  const number = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const network = number - (number % size);
  const first = [24, 16, 8, 0].map((bits) => Math.floor(network / 2 ** bits) % 256).join('.');
  return unless(
    network === number,
    path,
    `must begin where the block begins, ${first}/${prefix}, got ${text}`,
  );
}

/** Kubernetes': a name, after the domain and a slash of whoever gives it a meaning. */
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** Least and most of second, minute, hour, day, month and weekday. */
const CRON_FIELDS: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
];

const isCronField = (field: string, [least, most]: readonly [number, number]): boolean =>
  field.split(',').every((part) => {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/[1-9]\d*)?$/.exec(part);
    const [, from = least, to = match?.[1] ?? most] = match ?? [];
    return match !== null && least <= Number(from) && Number(from) <= Number(to) && Number(to) <= most;
  });

/** JavaScript takes 30 February for 1 March; this does not. */
const isTime = (text: string): boolean => {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace('Z', '.000Z');
};

/** What cosign makes signatures with; keys for agreeing on secrets are none. */
const SIGNING: ReadonlySet<string | undefined> = new Set(['ec', 'rsa', 'ed25519']);

function isPublicKey(pem: string): boolean {
  try {
    return SIGNING.has(createPublicKey(pem).asymmetricKeyType);
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
