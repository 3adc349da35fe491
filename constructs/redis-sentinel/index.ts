import { Construct } from 'constructs';
import { CertificateAuthority } from '../certificate-authority';
import { Credential, Credentials, CredentialsMaker } from '../credentials';
import { Endpoint } from '../platform/endpoint';
import { NamespaceScope } from '../platform/names';
import { Spreading } from '../platform/pod';
import { formatBytes, parseQuantity } from '../platform/quantity';
import { dataBytesOf, Members } from './members';
import { RedisUser } from './payloads';
import { Proxy } from './proxy';

/** Accounts of the programs that belong to the service itself. */
const OWN_USERS = ['replication', 'sentinel', 'probe', 'exporter'] as const;

/** Names that an application cannot have; `default` is Redis' own, for those who name none, and off. */
const RESERVED = ['default', ...OWN_USERS] as const;

/** Bytes. The replication backlog counts as data: 16 MiB of the three quarters, of which less would be left otherwise. */
const LEAST_MEMORY = 96 * 2 ** 20;

/**
 * Volume per memory where data is kept: the log grows to twice the data before it is rewritten, the new log and the
 * snapshot lie beside it, and data are three quarters of memory. A full volume refuses writes and cannot be rewritten.
 */
const STORAGE_PER_MEMORY = 3;

type Checked = Required<
  Pick<RedisSentinelProps, 'members' | 'proxies' | 'purpose' | 'memory' | 'storage' | 'users'>
>;

export interface RedisSentinelProps {
  /** Image references of Redis (and Sentinel), of HAProxy and of the Redis exporter. */
  readonly images: { readonly redis: string; readonly proxy: string; readonly exporter: string };
  /**
   * What the data is worth: a `cache` evicts the least recently used key and keeps nothing on disk; `sessions` evict what
   * expires soonest and outlive a restart.
   */
  readonly purpose: 'cache' | 'sessions';
  /**
   * Members, each one Redis and one Sentinel: 1, or odd and at least 3, so that a majority exists.
   * @default 3
   */
  readonly members?: number;
  /** CPU reserved for one Redis. */
  readonly cpu: string;
  /** Memory of one Redis; three quarters of it are for data, the rest for buffers, copies on write and fragments. */
  readonly memory: string;
  /** Volume of one member; for `sessions` at least three times its memory. */
  readonly storage: string;
  /** Storage class of the volumes. */
  readonly storageClass: string;
  /**
   * HAProxy pods that lead clients to the master.
   * @default 2
   */
  readonly proxies?: number;
  /** Accounts of applications. */
  readonly users: readonly RedisUser[];
  /**
   * Namespaces of clients that get a copy of the applications' passwords.
   * @default - none
   */
  readonly clients?: readonly NamespaceScope[];
  /**
   * Whether members must lie in different zones and nodes.
   * @default 'required'
   */
  readonly spreading?: Spreading;
  readonly authority: CertificateAuthority;
  readonly maker: CredentialsMaker;
}

/**
 * Redis that elects a new master by itself, with an endpoint that always leads to the master, for clients that do not
 * speak Sentinel. TLS everywhere, both sides with certificates.
 *
 * @example
 * const cache = new RedisSentinel(namespace, 'cache', { purpose: 'cache', members: 3, … });
 * bridge.connections.allowTo(cache.master);
 */
export class RedisSentinel extends Construct {
  /** The master, whoever it is at the moment. TLS, with the server's names and a client certificate. */
  readonly master: Endpoint;
  /** The Sentinels, for clients that ask them; those also need `direct`. */
  readonly sentinel: Endpoint;
  /** Every member by its own name, for clients that ask Sentinels. */
  readonly direct: Endpoint;
  readonly members: number;
  /** Bytes of data that a member may hold. */
  readonly dataBytes: number;
  /** Connections that clients may hold open to the master, all together, with one of several proxies gone. */
  readonly clientConnections: number;
  private readonly applications?: Credentials<string>;

  constructor(scope: Construct, id: string, props: RedisSentinelProps) {
    super(scope, id);
    const { members = 3, proxies = 2, users, maker, clients = [] } = props;
    const { spreading = 'required' } = props;
    this.check({ ...props, members, proxies });
    this.members = members;
    this.dataBytes = dataBytesOf(props.memory);

    const own = new Credentials(this, 'Users', { maker, users: OWN_USERS });
    const names = users.map(({ name }) => name);
    if (names.length > 0) {
      this.applications = new Credentials(this, 'Applications', { maker, users: names, copies: clients });
    }
    const accounts = [...OWN_USERS.map((user) => own.of(user)), ...names.map((user) => this.user(user))];

    const group = new Members(this, 'Members', { ...props, members, spreading, accounts });
    const proxy = new Proxy(this, 'Default', { ...props, group, proxies, spreading, probe: own.of('probe') });
    this.master = proxy.redis;
    this.clientConnections = proxy.clientConnections;
    this.sentinel = group.sentinel;
    this.direct = group.redis;
  }

  /** The credential of an application. */
  user(name: string): Credential {
    if (!this.applications) throw new Error(`${this.node.path}: no user "${name}"; users is empty`);
    return this.applications.of(name);
  }
  private check({ members, proxies, purpose, memory, storage, users }: Checked): void {
    const refuse = (what: string, got: string | number): never => {
      throw new Error(`${this.node.path}: ${what}, got ${got}`);
    };
    if (members !== 1 && (members < 3 || members % 2 !== 1)) {
      refuse('members must be 1, or odd and at least 3 for a majority', members);
    }
    if (proxies < 1 || !Number.isInteger(proxies)) refuse('proxies must be a number of at least 1', proxies);
    if (parseQuantity(memory) < LEAST_MEMORY) {
      refuse(`memory must be at least ${formatBytes(LEAST_MEMORY)}`, memory);
    }
    const least = parseQuantity(memory) * STORAGE_PER_MEMORY;
    if (purpose === 'sessions' && parseQuantity(storage) < least) {
      refuse(`storage of sessions must be at least ${formatBytes(least)} for ${memory} of memory`, storage);
    }
    for (const { name, keys, commands } of users) {
      if (RESERVED.some((reserved) => reserved === name)) {
        refuse(`users must not be called ${RESERVED.join(', ')}`, `"${name}"`);
      }
      if (!/^[a-z][a-z0-9_-]*$/.test(name)) {
        refuse('users must be called by a-z, 0-9, _ and -, beginning with a letter', `"${name}"`);
      }
      const broken = [...keys, ...commands].find((rule) => !/^\S+$/.test(rule));
      if (broken !== undefined) {
        refuse(`keys and commands of user ${name} must be single words, one each`, `"${broken}"`);
      }
    }
  }
}
