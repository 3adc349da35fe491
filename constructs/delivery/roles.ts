import type { AppProjectSpecRoles } from '../../imports/argoproj.io';

/** A role, and what it may do with the Applications of a project. */
interface Role {
  readonly name: string;
  readonly description: string;
  readonly actions: readonly string[];
  readonly logs: boolean;
}

/**
 * Who may do what. Nobody may create or delete an Application: those come from Git. `override` syncs another revision than
 * the branch's, and `update` is what confirms that something with data is pruned.
 */
export const ROLES: readonly Role[] = [
  {
    name: 'platform',
    description: 'Syncs, rolls back by hand, confirms that data is deleted',
    actions: ['get', 'sync', 'override', 'update'],
    logs: true,
  },
  { name: 'operator', description: 'Syncs what is on the branch', actions: ['get', 'sync'], logs: true },
  { name: 'reader', description: 'Looks', actions: ['get'], logs: false },
];

/** The identity provider's group whose members have a role, in every project. */
export const groupOf = ({ name }: Role): string => `lighthouse-${name}`;

/** The roles of one project, in Argo CD's policy language. */
export function rolesOf(project: string): AppProjectSpecRoles[] {
  return ROLES.map((role) => ({
    name: role.name,
    description: role.description,
    groups: [groupOf(role)],
    policies: [
      ...role.actions.map((action) => policy(project, role, 'applications', action)),
      ...(role.logs ? [policy(project, role, 'logs', 'get')] : []),
    ],
  }));
}

function policy(project: string, { name }: Role, resource: string, action: string): string {
  return `p, proj:${project}:${name}, ${resource}, ${action}, ${project}/*, allow`;
}
