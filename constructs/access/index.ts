import { Construct } from 'constructs';
import {
  ClusterRole,
  ClusterRoleBinding,
  type PolicyRule,
  Role,
  RoleBinding,
  ServiceAccount,
  type Subject,
} from '../../imports/k8s';
import type { NamespaceScope } from '../platform/names';
import { namespaceOf } from '../platform/names';
import { limitBreakGlass, limitOnCall } from './limits';
import {
  breaking,
  EDGE,
  EVERYTHING,
  EXECUTING,
  FORWARDING,
  OPERATING,
  READING,
  REPAIRING,
} from './resources';

/** People, by what they do. */
export const PEOPLE = ['platform', 'onCall', 'auditor', 'developer'] as const;

export type Person = (typeof PEOPLE)[number];

export interface AccessProps {
  /** Groups that people are in, as the API server is told by whoever signs them in. */
  readonly groups: Readonly<Record<Person, string>>;
  /** Namespaces of the platform. */
  readonly namespaces: readonly NamespaceScope[];
  /** Those that some people may do more in, of Lighthouse and its edge, of what watches, and of Vault. */
  readonly places: Readonly<Record<'bridge' | 'observability' | 'argocd' | 'vault', NamespaceScope>> & {
    /** Where events are read. @default - nowhere */
    readonly reading?: NamespaceScope;
  };
}

/** Service account that may do everything in the platform's namespaces, for as long as a token of it lives. */
export const BREAK_GLASS = 'break-glass';

/** What groups a binding is for. */
type Who = readonly Person[];

/**
 * What people may do with the Kubernetes API: by groups, with nobody reading Secrets. What is beyond comes from Git, or, when
 * there is no time for that, by breaking the glass: a token of one account that ends by itself within an hour.
 *
 * Must be built in a namespace of its own, in which no pod can use that account.
 */
export class Access extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: AccessProps,
  ) {
    super(scope, id);
    const { groups, namespaces, places } = props;
    const names = Object.values(groups);
    if (new Set(names).size < names.length) {
      throw new Error(
        `${this.node.path}: groups must be different, got ${names.join(', ')}; name one group of your identity provider for each`,
      );
    }
    const own = namespaceOf(this);
    const everywhere = [...namespaces.map(({ name }) => name), places.argocd.name];

    const reader = this.clusterRole('reader', READING);
    new ClusterRoleBinding(this, 'Readers', {
      metadata: { name: reader },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: reader },
      subjects: this.subjects(['platform', 'onCall', 'auditor']),
    });
    this.bind(reader, places.bridge.name, this.subjects(['developer']));

    const operator = this.clusterRole('operator', OPERATING);
    for (const namespace of everywhere) this.bind(operator, namespace, this.subjects(['platform', 'onCall']));

    const repairer = this.clusterRole('repairer', REPAIRING);
    for (const namespace of everywhere) this.bind(repairer, namespace, this.subjects(['platform']));

    this.role('edge', places.bridge.name, EDGE, ['platform', 'onCall']);
    this.role('silencer', places.observability.name, FORWARDING, ['platform', 'onCall']);
    // What they may there, Vault says itself.
    this.role('vault-client', places.vault.name, FORWARDING, ['platform', 'onCall', 'auditor']);
    if (places.reading) {
      this.role('reading', places.reading.name, EXECUTING, ['platform', 'onCall', 'developer']);
      this.bind(reader, places.reading.name, this.subjects(['developer']));
    }
    limitOnCall(this, groups);

    const account = new ServiceAccount(this, 'Account', {
      metadata: { name: BREAK_GLASS },
      automountServiceAccountToken: false,
    });
    const breaker = this.clusterRole(BREAK_GLASS, EVERYTHING);
    const subject = { kind: 'ServiceAccount' as const, name: account.name, namespace: own };
    for (const { name } of namespaces) this.bind(breaker, name, [subject]);
    this.role('glass', own, breaking(account.name), ['platform', 'onCall']);
    limitBreakGlass(this, own, account.name);
  }

  private subjects(who: Who): Subject[] {
    return who.map((person) => ({ apiGroup: RBAC, kind: 'Group', name: this.props.groups[person] }));
  }

  private clusterRole(name: string, rules: readonly PolicyRule[]): string {
    return new ClusterRole(this, `Role-${name}`, { metadata: { name: `lighthouse-${name}` }, rules }).name;
  }

  private bind(role: string, namespace: string, subjects: readonly Subject[]): void {
    new RoleBinding(this, `${role}-${namespace}`, {
      metadata: { namespace, name: role },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
      subjects,
    });
  }

  private role(name: string, namespace: string, rules: readonly PolicyRule[], who: Who): void {
    const metadata = { namespace, name: `lighthouse-${name}` };
    new Role(this, `Role-${name}`, { metadata, rules });
    new RoleBinding(this, `May-${name}`, {
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name: metadata.name },
      subjects: this.subjects(who),
    });
  }
}

const RBAC = 'rbac.authorization.k8s.io';
