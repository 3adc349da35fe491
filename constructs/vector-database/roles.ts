/** The collections that applications keep data in. */
export const COLLECTIONS = ['CodeContext', 'Decision', 'Pattern'] as const;

/** One permission of a role as Weaviate's authorization API says it. */
interface Permission {
  readonly action: string;
  readonly [domain: string]: unknown;
}

/** A role that its user of the same name holds. */
export interface Role {
  readonly name: string;
  readonly permissions: readonly Permission[];
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

function permissions(...actions: readonly string[]): Permission[] {
  return [
    // GraphQL refuses whoever may not see how all collections are made.
    { action: 'read_collections', collections: { collection: '*' } },
    ...COLLECTIONS.flatMap((collection) =>
      actions.map((action) => ({ action, data: { collection, tenant: '*', object: '*' } })),
    ),
  ];
}
