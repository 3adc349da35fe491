import { renderPolicy, type Grant } from './policy';

/** A service account, by which Vault knows who asks. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** Something that is to be in Vault: a path that is written, and what is read to see whether it is so. */
export interface Entry {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /**
   * Where it is read.
   * @default - where it is written
   */
  readonly read?: string;
  /**
   * The one of what is read there.
   * @default - all of it
   */
  readonly at?: string;
  /**
   * Further fields, from files of the program's pod: Vault tells nobody what it was given.
   * @default - none
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /**
   * Further fields, from files as well, of which Vault keeps nothing that could be compared: written whenever the program writes.
   * @default - none
   */
  readonly unread?: Readonly<Record<string, string>>;
  /**
   * Further fields that Vault made itself, by where they are read.
   * @default - none
   */
  readonly found?: Readonly<Record<string, Found>>;
  /**
   * Whom Vault asks when this is written. That nobody answers there is told, and stops nothing.
   * @default - nobody
   */
  readonly asks?: string;
}

/** A field of something that is in Vault. */
interface Found {
  readonly read: string;
  readonly at?: string;
  readonly field: string;
}

/** Roles and policies of this name are the platform's: what else there is of them is told. */
export const PREFIX = 'lighthouse-';

/** How long a login is good for: a request or two, and those that renew theirs do so by logging in again. */
const TOKEN_SECONDS = 900;

/** Secrets engines, and where they are. */
export const MOUNTS = { kv: 'secret', pki: 'pki', transit: 'transit', database: 'database' } as const;

export type Engine = keyof typeof MOUNTS;

/** Who needs what of Vault, as everybody declares it for themselves: what Vault is told follows from it. */
export class Needs {
  private readonly grants = new Map<string, { readonly account: Account; readonly grants: Grant[] }>();
  private readonly tokens = new Map<string, number>();
  private readonly declared = new Map<string, Entry>();
  private readonly engines = new Set<Engine>();

  /** Lets a service account do something. */
  allow(account: Account, ...grants: readonly Grant[]): void {
    const name = roleOf(account);
    const known = this.grants.get(name) ?? { account, grants: [] };
    known.grants.push(...grants);
    this.grants.set(name, known);
  }

  /** Has a service account logged in for longer than a request or two takes. */
  stay(account: Account, seconds: number): void {
    this.tokens.set(roleOf(account), seconds);
  }

  /** Says what is to be in an engine, which is mounted where somebody does. */
  declare(engine: Engine, ...entries: readonly Entry[]): void {
    this.engines.add(engine);
    for (const entry of entries) this.declared.set(entry.path, entry);
  }

  /** Entries of the KV engine that somebody reads. */
  get secrets(): string[] {
    const below = `${MOUNTS.kv}/data/`;
    const paths = [...this.grants.values()].flatMap(({ grants }) => grants.map(({ path }) => path));
    return [
      ...new Set(paths.filter((path) => path.startsWith(below)).map((path) => path.slice(below.length))),
    ];
  }

  uses(engine: Engine): boolean {
    return this.engines.has(engine);
  }

  /** Mounts first, then what is in them, then who may: as they have to be written. */
  entries(audience: string): Entry[] {
    const mounts = (Object.keys(MOUNTS) as Engine[]).filter((engine) => this.engines.has(engine));
    return [
      ...mounts.flatMap(mountEntries),
      ...this.declared.values(),
      ...[...this.grants].flatMap(([name, { account, grants }]) =>
        loginEntries(account, grants, audience, this.tokens.get(name)),
      ),
    ];
  }
}

/** Name of an account's role, and of its policy. */
export function roleOf({ namespace, name }: Account): string {
  return `${PREFIX}${namespace}-${name}`;
}

/** What one account may do, and that it is who it says. */
export function loginEntries(
  account: Account,
  grants: readonly Grant[],
  audience: string,
  seconds = TOKEN_SECONDS,
): Entry[] {
  const name = roleOf(account);
  return [
    { path: `sys/policies/acl/${name}`, body: { policy: renderPolicy(grants) } },
    {
      path: `auth/kubernetes/role/${name}`,
      body: {
        bound_service_account_names: [account.name],
        bound_service_account_namespaces: [account.namespace],
        audience,
        token_policies: [name],
        token_ttl: seconds,
        token_max_ttl: seconds,
      },
    },
  ];
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** What each engine is told of itself; leases live as long as the longest that anybody is given. */
const SETTINGS: Readonly<
  Record<
    Engine,
    { readonly mount: Entry['body']; readonly longestSeconds: number; readonly more: readonly Entry[] }
  >
> = {
  kv: {
    mount: { type: 'kv', options: { version: '2' } },
    longestSeconds: DAY,
    // Enough to see what it was before somebody wrote the wrong one.
    more: [{ path: `${MOUNTS.kv}/config`, body: { max_versions: 10 } }],
  },
  // As long as the platform's own leaves live.
  pki: { mount: { type: 'pki' }, longestSeconds: 90 * DAY, more: [] },
  transit: { mount: { type: 'transit' }, longestSeconds: DAY, more: [] },
  database: { mount: { type: 'database' }, longestSeconds: HOUR, more: [] },
};

function mountEntries(engine: Engine): Entry[] {
  const path = `sys/mounts/${MOUNTS[engine]}`;
  const { mount, longestSeconds, more } = SETTINGS[engine];
  return [{ path, body: mount }, { path: `${path}/tune`, body: { max_lease_ttl: longestSeconds } }, ...more];
}
