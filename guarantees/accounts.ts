import type { Manifest } from '../constructs/platform/manifest';
import { type Binding, isBinding } from '../synth/bindings';
import { inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import { identify, identityOf, referencesOf } from '../synth/references';
import type { Finding, Guarantee } from './guarantee';

/**
 * Rights are a workload's own: none runs as the account of its whole namespace, an account that a role is bound to is run as
 * by one workload only, every account is run as or bound, and every role is handed to somebody. What is shared or left over
 * is a right that its holder has no need of. An account whose tokens an operator makes counts as one that is run as.
 */
export const accounts: Guarantee = {
  name: 'accounts',
  check: (platform) => {
    const users = usersOf(platform);
    const bindings = platform.objects
      .map(({ manifest }) => manifest)
      .filter(isBinding)
      .map(handingOf);
    const roles = of(platform, 'Role', 'ClusterRole');
    return {
      findings: [
        ...inventoryOf(platform).pods.flatMap(nameless),
        ...[...users].flatMap(([account, sources]) =>
          bindings.some(({ accounts: bound }) => bound.includes(account)) ? shared(account, sources) : [],
        ),
        ...of(platform, 'ServiceAccount').flatMap((object) =>
          unused(object, users, [...bindings, shown(platform)]),
        ),
        ...roles.flatMap((object) => unbound(object, bindings)),
      ],
      facts: [
        { subject: 'service accounts', figure: `${users.size}, none with rights shared` },
        { subject: 'roles', figure: `${roles.length}, each bound` },
      ],
    };
  },
};

/** Their pods run as an account that the operator makes for each, and as nothing that they could name. */
const OPERATED: ReadonlySet<string> = new Set(['Cluster', 'Pooler']);

/** Workloads by the identity of the account that their pods run as. */
function usersOf(platform: Platform): ReadonlyMap<string, readonly PodSource[]> {
  const users = new Map<string, PodSource[]>();
  for (const source of inventoryOf(platform).pods) {
    const account = accountOf(source);
    if (account === undefined) continue;
    const identity = identify('ServiceAccount', source.namespace, account);
    users.set(identity, [...(users.get(identity) ?? []), source]);
  }
  return users;
}

function accountOf({ object, workload }: PodSource): string | undefined {
  return OPERATED.has(object.manifest.kind) ? undefined : workload.pod?.serviceAccountName;
}

function nameless(source: PodSource): Finding[] {
  const { object } = source;
  const account = accountOf(source) ?? 'default';
  if (OPERATED.has(object.manifest.kind) || account !== 'default') return [];
  return [
    {
      path: object.path,
      cause: `${identityOf(object.manifest)} runs as the service account of its whole namespace`,
      remedy: 'give it one of its own: withoutToken(this) of constructs/platform/pod.ts',
    },
  ];
}

function shared(account: string, sources: readonly PodSource[]): Finding[] {
  const [first, ...others] = sources;
  if (!first || others.length === 0) return [];
  const names = sources.map(({ object }) => identityOf(object.manifest)).join(', ');
  return [
    {
      path: first.object.path,
      cause: `${account} is what ${names} run as: each has the rights of all`,
      remedy: 'give each a service account of its own',
    },
  ];
}

/** A role, and the service accounts that it is handed to, by their identities. */
interface Handing {
  readonly role: string;
  readonly accounts: readonly string[];
}

function handingOf({ roleRef, subjects = [], metadata: { namespace: own } }: Manifest & Binding): Handing {
  return {
    role: identify(roleRef.kind, roleRef.kind === 'Role' ? own : undefined, roleRef.name),
    accounts: subjects
      .filter(({ kind }) => kind === 'ServiceAccount')
      .map(({ name, namespace = own }) => identify('ServiceAccount', namespace, name)),
  };
}

/** Accounts whose tokens an operator makes, to log in with somewhere: no role here says what they may do there. */
function shown({ objects }: Platform): Handing {
  const accounts = objects.flatMap(({ manifest }) =>
    referencesOf(manifest).flatMap(({ to, field }) => (field.endsWith('.serviceAccountRef') ? to : [])),
  );
  return { role: '', accounts };
}

function of({ objects }: Platform, ...kinds: readonly string[]): PlatformObject[] {
  return objects.filter(({ manifest }) => kinds.includes(manifest.kind));
}

function unused(
  { path, manifest }: PlatformObject,
  users: ReadonlyMap<string, unknown>,
  bindings: readonly Handing[],
): Finding[] {
  const account = identityOf(manifest);
  if (users.has(account) || bindings.some(({ accounts: bound }) => bound.includes(account))) return [];
  return [{ path, cause: `${account}: nothing runs as it, and no role is bound to it`, remedy: 'remove it' }];
}

function unbound({ path, manifest }: PlatformObject, bindings: readonly Handing[]): Finding[] {
  const role = identityOf(manifest);
  if (bindings.some((binding) => binding.role === role)) return [];
  return [{ path, cause: `${role} is bound to nobody`, remedy: 'bind it to who needs it, or remove it' }];
}
