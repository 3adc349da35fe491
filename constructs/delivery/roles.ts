import type { AppProjectSpecRoles } from '../../imports/argoproj.io';
import type { Person } from '../access';

/** Groups of people who have a role, as the identity provider calls them. */
export type Members = Readonly<Record<RoleName, readonly string[]>>;

type RoleName = 'platform' | 'operator' | 'reader';

/** A role, and what it may do with the Applications of a project. */
interface Role {
  readonly name: RoleName;
  /** Whose it is, of the platform's people. */
  readonly people: readonly Person[];
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
    people: ['platform'],
    description: 'Syncs, rolls back by hand, confirms that data is deleted',
    actions: ['get', 'sync', 'override', 'update'],
    logs: true,
  },
  {
    name: 'operator',
    people: ['onCall'],
    description: 'Syncs what is on the branch',
    actions: ['get', 'sync'],
    logs: true,
  },
  { name: 'reader', people: ['auditor', 'developer'], description: 'Looks', actions: ['get'], logs: false },
];

/** Who has which role where nobody says it. */
export const MEMBERS: Members = {
  platform: ['lighthouse-platform'],
  operator: ['lighthouse-operator'],
  reader: ['lighthouse-reader'],
};

/** Who has which role, where people have groups. */
export function membersFrom(groups: Readonly<Record<Person, string>>): Members {
  const of = (name: RoleName): string[] =>
    ROLES.filter((role) => role.name === name).flatMap(({ people }) =>
      people.map((person) => groups[person]),
    );
  return { platform: of('platform'), operator: of('operator'), reader: of('reader') };
}

/** The roles of one project, in Argo CD's policy language. */
export function rolesOf(project: string, members: Members = MEMBERS): AppProjectSpecRoles[] {
  return ROLES.map((role) => ({
    name: role.name,
    description: role.description,
    groups: [...members[role.name]],
    policies: [
      ...role.actions.map((action) => policy(project, role, 'applications', action)),
      ...(role.logs ? [policy(project, role, 'logs', 'get')] : []),
    ],
  }));
}

function policy(project: string, { name }: Role, resource: string, action: string): string {
  return `p, proj:${project}:${name}, ${resource}, ${action}, ${project}/*, allow`;
}
