import { PEOPLE, type Person } from '../../access';
import { MOUNTS, PREFIX } from './needs';
import { type Grant, renderPolicy } from './policy';

/** What Vault is told to hold, as far as people's rights are about it. */
export interface Contents {
  /** What is read to see whether all is as it was declared. */
  readonly configuration: readonly Grant[];
  /** Entries of the KV engine, by their whole paths. */
  readonly secrets: readonly string[];
}

/** One line: something that may be done in Vault, and by whom; everybody else is refused. */
export interface Right {
  /** For people. */
  readonly what: string;
  /** The request by which it is done, for one example. */
  readonly request: string;
  readonly may: readonly Person[];
  /** What those who may are given. */
  readonly grants: (contents: Contents) => readonly Grant[];
}

/** Developers have no business in Vault: who is in no other group is not let in. */
export const SIGNED_IN: readonly Person[] = ['platform', 'onCall', 'auditor'];
const OPERATORS: readonly Person[] = ['platform', 'onCall'];

const read = (...paths: readonly string[]): Grant[] =>
  paths.map((path) => ({ path, capabilities: ['read'] }));

const update = (path: string): Grant => ({ path, capabilities: ['update'] });

/** A request that Vault takes from nobody without this right, whatever else they have. */
const rooted = (path: string): Grant => ({ path, capabilities: ['update', 'sudo'] });

const refused = (what: string, request: string): Right => ({ what, request, may: [], grants: () => [] });

/** Who may do what, once the identity provider has said who they are. The policies are made of it, and tried by `npm run prove:vault`. */
export const RIGHTS: readonly Right[] = [
  {
    what: 'sign in, and see and end what one is signed in with',
    request: 'read auth/token/lookup-self',
    may: SIGNED_IN,
    grants: () => [
      ...read('auth/token/lookup-self', 'sys/internal/ui/resultant-acl'),
      update('auth/token/revoke-self'),
      update('sys/capabilities-self'),
    ],
  },
  {
    what: 'see its members and who leads',
    request: 'read sys/storage/raft/configuration',
    may: SIGNED_IN,
    grants: () => read('sys/ha-status', 'sys/storage/raft/autopilot/state', 'sys/storage/raft/configuration'),
  },
  {
    what: 'read its configuration: policies, roles, mounts, audit devices',
    request: 'read sys/audit',
    may: SIGNED_IN,
    grants: ({ configuration }) => configuration,
  },
  {
    what: 'see when a secret was written, and how often',
    request: 'read secret/metadata/<entry>',
    may: SIGNED_IN,
    grants: ({ secrets }) => read(...secrets.map((entry) => `${MOUNTS.kv}/metadata/${entry}`)),
  },
  {
    what: 'write a secret that somebody reads',
    request: 'update secret/data/<entry>',
    may: ['platform'],
    grants: ({ secrets }) =>
      secrets.map((entry) => ({ path: `${MOUNTS.kv}/data/${entry}`, capabilities: ['create', 'update'] })),
  },
  {
    what: 'have the leader hand over',
    request: 'update sys/step-down',
    may: OPERATORS,
    grants: () => [rooted('sys/step-down')],
  },
  {
    what: 'seal it: nobody gets anything until its pods are started anew',
    request: 'update sys/seal',
    may: OPERATORS,
    grants: () => [rooted('sys/seal')],
  },
  refused('read a secret', 'read secret/data/<entry>'),
  refused('write a secret that nobody reads', 'update secret/data/<other>'),
  refused('take a snapshot', 'read sys/storage/raft/snapshot'),
  refused('put a snapshot back', 'update sys/storage/raft/snapshot'),
  refused('change a policy', 'update sys/policies/acl/<name>'),
  refused('let somebody else in', 'update auth/kubernetes/role/<name>'),
  refused('change a group of people', 'update identity/group/name/<name>'),
  refused('change who signs people in', 'update auth/oidc/config'),
  refused('add a way to sign in', 'update sys/auth/userpass'),
  refused('turn off an audit device', 'delete sys/audit/stdout'),
  refused('make a token', 'update auth/token/create'),
  refused('decrypt', 'update transit/decrypt/<key>'),
  refused('sign a certificate', 'update pki/sign/<role>'),
];

/** The policy of some people, and the group that has it. */
export function policyNameOf(person: Person): string {
  return `${PREFIX}people-${person.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The policy of each kind of people who are let in at all. */
export function policiesOf(contents: Contents): ReadonlyMap<Person, string> {
  return new Map(
    PEOPLE.filter((person) => SIGNED_IN.includes(person)).map((person) => [
      person,
      renderPolicy(
        RIGHTS.filter(({ may }) => may.includes(person)).flatMap(({ grants }) => grants(contents)),
      ),
    ]),
  );
}
