import { AUDIENCE, admissionRequests } from '../admission';
import { type Account, type Entry, loginEntries, MOUNTS, type Needs, PREFIX } from './needs';
import type { Grant } from './policy';
import { type SignOn, signOnEntries } from './sign-on';

/** Where the certificate that Vault signs with is in the pods that configure it. */
export const ISSUING = '/issuing';

/** All that Vault is to hold, as the program reads it. */
export interface Desired {
  readonly objects: readonly Entry[];
  /** Names there, and below which of them what is not declared is told. */
  readonly lists: readonly List[];
  /** The certificate that the mount signs with; undefined where nothing is signed. */
  readonly issuing?: { readonly mount: string; readonly certificate: string; readonly key: string };
}

interface List {
  readonly path: string;
  readonly prefix: string;
  readonly names: readonly string[];
  /** Whether the names are the fields of what is read there, and not a list. */
  readonly isRead?: true;
}

/** Where names are the platform's own as a whole, and where only those with its prefix are. */
const LISTS: Readonly<Record<string, string>> = {
  'sys/policies/acl': PREFIX,
  'auth/kubernetes/role': PREFIX,
  'auth/oidc/role': '',
  'identity/group/name': '',
  [`${MOUNTS.pki}/roles`]: '',
  [`${MOUNTS.transit}/keys`]: '',
  [`${MOUNTS.database}/config`]: '',
  [`${MOUNTS.database}/roles`]: '',
};

/** The ways in. */
const METHODS = 'sys/auth';

/** The list of audit devices. */
export const AUDIT = 'sys/audit';

/** How what a person was asked to do once is read again. */
const READ: Readonly<Record<string, Pick<Entry, 'read' | 'at'>>> = {
  'sys/audit/stdout': { read: AUDIT, at: 'stdout/' },
  'sys/auth/kubernetes': { read: METHODS, at: 'kubernetes/' },
};

/**
 * What Vault is to hold: what a person told it once, what everybody declared, and that `checker` may look at all of it.
 * @param namespace where Vault is
 * @param signOn how people get in; without it, none do
 */
export function desiredOf(namespace: string, needs: Needs, checker: Account, signOn?: SignOn): Desired {
  const admitted = Object.entries(admissionRequests(namespace)).map(([path, body]) => ({
    path,
    body,
    ...READ[path],
  }));
  const declared = [...admitted, ...needs.entries(AUDIENCE)];
  const people = (configuration: readonly Grant[]): Entry[] =>
    signOn ? signOnEntries(signOn, { configuration, secrets: needs.secrets }) : [];
  const all = [...declared, ...loginEntries(checker, [], AUDIENCE), ...people([])];
  const lists = listsOf(all.map(({ path }) => path));
  const issuing = needs.uses('pki')
    ? { mount: MOUNTS.pki, certificate: `${ISSUING}/tls.crt`, key: `${ISSUING}/tls.key` }
    : undefined;
  const grants = looking(all, lists, issuing?.mount);
  return {
    objects: [...declared, ...loginEntries(checker, grants, AUDIENCE), ...people(grants)],
    lists,
    ...(issuing ? { issuing } : {}),
  };
}

/** For each list the declared names in it; lists of engines that are not there are left out. */
function listsOf(paths: readonly string[]): List[] {
  const namesIn = (path: string): string[] =>
    paths
      .filter((each) => each.startsWith(`${path}/`))
      .map((each) => each.slice(path.length + 1))
      .filter((name) => !name.includes('/'));
  return [
    // The one for tokens is there from the beginning.
    { path: METHODS, prefix: '', names: [...namesIn(METHODS), 'token'], isRead: true },
    ...Object.entries(LISTS).flatMap(([path, prefix]) => {
      const names = namesIn(path);
      return names.length > 0
        ? [{ path, prefix, names: names.filter((name) => name.startsWith(prefix)) }]
        : [];
    }),
  ];
}

/** Every path that is read to compare, each by itself. */
function looking(entries: readonly Entry[], lists: readonly List[], signing: string | undefined): Grant[] {
  const read = [
    ...entries.flatMap(({ path, read = path, found = {} }) => [
      read,
      ...Object.values(found).map((each) => each.read),
    ]),
    ...(signing === undefined ? [] : [`${signing}/config/issuers`, `${signing}/issuer/default`]),
  ];
  return [
    ...read.map((path) => ({
      path,
      // Vault asks for more than reading to say which audit devices there are, and only for that.
      capabilities: path === AUDIT ? (['read', 'sudo'] as const) : (['read'] as const),
    })),
    ...lists.map(({ path, isRead }) => ({
      path,
      capabilities: [isRead ? ('read' as const) : ('list' as const)],
    })),
  ];
}
