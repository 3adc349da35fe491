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

export interface RedisPayloadProps {
  /** The master's name among Sentinels, and the prefix of its members' names. */
  readonly name: string;
  /** The members' own domain, `<service>.<namespace>.svc.cluster.local`. */
  readonly domain: string;
  readonly members: number;
  /** What the data is worth: decides persistence and eviction. */
  readonly purpose: 'cache' | 'sessions';
  readonly maxmemory: string;
  readonly users: readonly RedisUser[];
  readonly maxConnections: number;
}

/** The payload files of this folder, each with the values of its holes. */
export function redisPayloads(props: RedisPayloadProps): Readonly<Record<string, Holes>> {
  const { name, domain, members, purpose } = props;
  const pods = Array.from({ length: members }, (_, ordinal) => `${name}-${ordinal}`);
  const majority = Math.floor(members / 2) + 1;
  return {
    'redis.conf': { PURPOSE: purpose, MAXMEMORY: props.maxmemory, MIN_REPLICAS: members > 1 ? 1 : 0 },
    [`${purpose}.conf`]: {},
    'users.acl': { APPLICATION_USERS: props.users.map(aclLine).join('\n') },
    'sentinel-users.acl': {},
    'sentinel.conf': { NAME: name },
    'members.sh': { NAME: name, DOMAIN: domain, MEMBERS: pods.join(' '), MAJORITY: majority },
    'start-redis.sh': {},
    'stop-redis.sh': {},
    'live-redis.sh': {},
    'ready-redis.sh': {},
    'start-sentinel.sh': {},
    'save-election.sh': {},
    'live-sentinel.sh': {},
    'ready-sentinel.sh': {},
    'start-haproxy.sh': {},
    'haproxy.cfg': {
      NAME: name,
      DOMAIN: domain,
      MAJORITY: majority,
      MAX_CONNECTIONS: props.maxConnections,
      SERVERS: pods
        .map((pod) => `  server ${pod} ${pod}.${domain}:6379 verifyhost ${pod}.${domain}`)
        .join('\n'),
      SENTINELS: pods
        .map((pod) => `backend ${pod} from sentinels\n  server-template sentinel ${members} ${domain}:26379`)
        .join('\n'),
    },
  };
}

function aclLine({ name, keys, commands }: RedisUser): string {
  const patterns = keys.flatMap((key) => [`~${key}`, `&${key}`]);
  return ['user', name, 'on', 'resetchannels', ...patterns, ...commands].join(' ');
}
