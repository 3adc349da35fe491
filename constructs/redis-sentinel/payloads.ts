import type { Holes } from '../platform/config-files';

/** An application's own account: which keys and channels it may touch and with which commands. */
export interface RedisUser {
  /** Also the name of its password's file. */
  readonly name: string;
  /** Key and channel patterns, such as `bridge:*`. */
  readonly keys: readonly string[];
  /** ACL rules in order, such as `+@read` or `-@dangerous`. */
  readonly commands: readonly string[];
}

/** What the payload files of members and proxy must agree on. */
export interface GroupProps {
  /** The master's name among Sentinels, and the prefix of its members' names. */
  readonly name: string;
  /** The members' own domain, `<service>.<namespace>.svc.cluster.local`. */
  readonly domain: string;
  readonly members: number;
}

export interface MemberPayloadProps extends GroupProps {
  /** What the data is worth: decides persistence and eviction. */
  readonly purpose: 'cache' | 'sessions';
  /** Bytes of data, in Redis' own notation, such as `384mb`. */
  readonly maxmemory: string;
  readonly users: readonly RedisUser[];
}

export interface ProxyPayloadProps extends GroupProps {
  /** Connections that one proxy accepts. */
  readonly maxConnections: number;
}

/** Where the proxy takes orders, on loopback alone. */
const ADMIN_PORT = 9999;

type Payloads = Readonly<Record<string, Holes>>;

/** The payload files of a member, each with the values of its holes. */
export function memberPayloads({ purpose, maxmemory, users, ...group }: MemberPayloadProps): Payloads {
  return {
    'redis.conf': { PURPOSE: purpose, MAXMEMORY: maxmemory, MIN_REPLICAS: group.members > 1 ? 1 : 0 },
    [`${purpose}.conf`]: {},
    'users.acl': { APPLICATION_USERS: users.map(aclLine).join('\n') },
    'sentinel-users.acl': { APPLICATION_USERS: users.map(sentinelAclLine).join('\n') },
    'sentinel.conf': { NAME: group.name },
    'members.sh': {
      NAME: group.name,
      DOMAIN: group.domain,
      MEMBERS: podsOf(group).join(' '),
      MAJORITY: majorityOf(group),
    },
    'start-redis.sh': {},
    'stop-redis.sh': {},
    'live-redis.sh': {},
    'ready-redis.sh': {},
    'start-sentinel.sh': {},
    'save-election.sh': {},
    'live-sentinel.sh': {},
    'ready-sentinel.sh': {},
  };
}

/** The payload files of the proxy, each with the values of its holes. */
export function proxyPayloads({ maxConnections, ...group }: ProxyPayloadProps): Payloads {
  const { name, domain, members } = group;
  const pods = podsOf(group);
  return {
    'start-haproxy.sh': {},
    'live-haproxy.sh': { ADMIN_PORT },
    'haproxy.cfg': {
      ADMIN_PORT,
      NAME: name,
      DOMAIN: domain,
      MAJORITY: majorityOf(group),
      MAX_CONNECTIONS: maxConnections,
      SERVERS: pods
        .map((pod) => `  server ${pod} ${pod}.${domain}:6379 verifyhost ${pod}.${domain}`)
        .join('\n'),
      SENTINELS: pods
        .map((pod) => `backend ${pod} from sentinels\n  server-template sentinel ${members} ${domain}:26379`)
        .join('\n'),
    },
  };
}

function podsOf({ name, members }: GroupProps): string[] {
  return Array.from({ length: members }, (_, ordinal) => `${name}-${ordinal}`);
}

function majorityOf({ members }: GroupProps): number {
  return Math.floor(members / 2) + 1;
}

function aclLine({ name, keys, commands }: RedisUser): string {
  const patterns = keys.flatMap((key) => [`~${key}`, `&${key}`]);
  return ['user', name, 'on', 'resetchannels', ...patterns, ...commands].join(' ');
}

/** What clients ask Sentinels: who leads, who follows, which other Sentinels there are, and to be told of changes. */
function sentinelAclLine({ name }: RedisUser): string {
  const questions = ['get-master-addr-by-name', 'masters', 'master', 'replicas', 'slaves', 'sentinels'];
  const rules = questions.map((question) => `+sentinel|${question}`);
  return ['user', name, 'on resetchannels &+switch-master +ping +subscribe +unsubscribe', ...rules].join(' ');
}
