import type { SignOn } from './sign-on';

/** The collections that applications keep data in. */
export const COLLECTIONS = ['CodeContext', 'Decision', 'Pattern'] as const;

/** One permission of a role as Weaviate's authorization API says it. */
interface Permission {
  readonly action: string;
  readonly [domain: string]: unknown;
}

/** A role that its user of the same name holds, or people of a group at the identity provider. */
export interface Role {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /**
   * Group that holds it, as the provider calls it.
   * @default - the user of the same name holds it, with a key
   */
  readonly group?: string;
}

/** Reads and writes objects; can neither make nor change a collection, nor see users and roles. */
export const BRIDGE: Role = {
  name: 'bridge',
  permissions: permissions('create_data', 'read_data', 'update_data', 'delete_data'),
};

/** Reads objects and the members' state, for probes, dashboards and tests. */
export const READER: Role = {
  name: 'reader',
  permissions: [...permissions('read_data'), { action: 'read_nodes', nodes: { verbosity: 'minimal' } }],
};

/** Starts backups and asks how they go. */
export const BACKUP: Role = {
  name: 'backup',
  permissions: [{ action: 'manage_backups', backups: { collection: '*' } }],
};

/** How collections are made and how members are, for whoever looks for what is wrong; no object. */
const STATE: readonly Permission[] = [
  { action: 'read_collections', collections: { collection: '*' } },
  // One does not hold the other.
  { action: 'read_nodes', nodes: { verbosity: 'minimal' } },
  { action: 'read_nodes', nodes: { collection: '*', verbosity: 'verbose' } },
  { action: 'read_cluster' },
];

/** Who may do what, though not change it: roles and users are this repository's. */
const RIGHTS: readonly Permission[] = [
  { action: 'read_roles', roles: { role: '*', scope: 'all' } },
  { action: 'read_users', users: { users: '*' } },
  { action: 'read_groups', groups: { group: '*', groupType: 'oidc' } },
];

/** Whoever repairs: everything but roles and users. */
const REPAIR: readonly Permission[] = [
  ...STATE,
  ...RIGHTS,
  ...['create_collections', 'update_collections', 'delete_collections'].map((action) => ({
    action,
    collections: { collection: '*' },
  })),
  ...['create_data', 'read_data', 'update_data', 'delete_data'].map((action) => ({
    action,
    data: { collection: '*', tenant: '*', object: '*' },
  })),
  { action: 'manage_backups', backups: { collection: '*' } },
];

/** What people may do, by their groups. Developers may nothing: what agents remember is not the platform's to show. */
export function peoplesRoles({ platform, onCall, auditor }: SignOn['groups']): Role[] {
  return [
    { name: 'platform', group: platform, permissions: REPAIR },
    { name: 'on-call', group: onCall, permissions: STATE },
    { name: 'auditor', group: auditor, permissions: [...STATE, ...RIGHTS] },
  ];
}

function permissions(...actions: readonly string[]): Permission[] {
  return [
    // GraphQL refuses whoever may not see how all collections are made.
    { action: 'read_collections', collections: { collection: '*' } },
    ...COLLECTIONS.flatMap((collection) =>
      actions.map((action) => ({ action, data: { collection, tenant: '*', object: '*' } })),
    ),
  ];
}
