import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { LimitRange, Namespace, NetworkPolicy, ResourceQuota, ResourceQuotaSpec } from '../../imports/k8s';
import { AuthorizationPolicy } from '../../imports/security.istio.io';
import { manifestOf, objectsIn } from '../platform/manifest';
import { MESH_LABEL, type MeshMode } from '../platform/mesh';
import { NamespaceScope } from '../platform/names';
import { formatBytes, formatCores } from '../platform/quantity';
import { totalOf, type Workload, workloadsIn } from '../platform/workloads';

/** The levels of the Pod Security admission, strictest first. */
export type PodSecurityLevel = 'restricted' | 'baseline' | 'privileged';

export interface PlatformNamespaceProps {
  /**
   * Pod Security level that admission enforces. Anything but `restricted` needs an entry in the privilege ledger.
   * @default 'restricted'
   */
  readonly podSecurity?: PodSecurityLevel;
}

/** The namespaces of a phase, as far as all of them have something in common. */
export interface PlatformNamespacesProps {
  /**
   * The service mesh that takes in the pods of all that are added.
   * @default - no mesh
   */
  readonly mesh?: MeshMode;
}

/**
 * The namespaces of a phase: one per concern, each a scope that constructs are built inside.
 *
 * @example
 * const namespaces = new PlatformNamespaces(chart, 'Namespaces');
 * new RedisSentinel(namespaces.add('redis'), 'cache', { … });
 */
export class PlatformNamespaces extends Construct {
  private readonly mesh?: MeshMode;

  constructor(scope: Construct, id: string, props: PlatformNamespacesProps = {}) {
    super(scope, id);
    this.mesh = props.mesh;
  }

  /**
   * Adds a namespace, named as its id.
   * @throws Error where the name is taken
   */
  add(name: string, props: PlatformNamespaceProps = {}): PlatformNamespace {
    return new PlatformNamespace(this, name, props, this.mesh);
  }

  /** A namespace that somebody else makes, such as an operator's, to build something inside it. */
  existing(name: string): ExistingNamespace {
    return new ExistingNamespace(this, name);
  }
}

/** A namespace that is made elsewhere. */
export class ExistingNamespace extends NamespaceScope {}

/**
 * A namespace that denies every connection nobody declared, enforces a Pod Security level, and whose quota is what the
 * objects built inside it really request: updates, jobs, and of each a pod that is leaving, included.
 */
export class PlatformNamespace extends NamespaceScope {
  private readonly continuations: NamespaceScope[] = [];

  constructor(scope: Construct, id: string, props: PlatformNamespaceProps = {}, mesh?: MeshMode) {
    super(scope, id, mesh !== undefined);
    const { podSecurity = 'restricted' } = props;

    new Namespace(this, 'Resource', {
      metadata: {
        name: this.name,
        labels: {
          ...Object.fromEntries(
            ['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, podSecurity]),
          ),
          ...(mesh ? { [MESH_LABEL]: mesh } : {}),
        },
      },
    });
    new NetworkPolicy(this, 'DefaultDeny', {
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    });
    // The same in the mesh, whose policies only ever allow: in this namespace nobody may connect to anybody.
    if (mesh) new AuthorizationPolicy(this, 'NoIdentity', { metadata: { name: 'default-deny' }, spec: {} });
    new ResourceQuota(this, 'Quota', { spec: Lazy.any({ produce: () => this.quota() }) });
    // Only for pods that someone starts by hand: every container made here names its own requests and limits.
    new LimitRange(this, 'Limits', {
      spec: {
        limits: [
          {
            type: 'Container',
            defaultRequest: { cpu: '10m', memory: '32Mi' },
            default: { memory: '128Mi' },
          },
        ],
      },
    });
  }

  /** The same namespace in a later phase, whose objects the quota counts too. */
  continuedIn(phase: Construct): NamespaceScope {
    const continuation = new ExistingNamespace(phase, this.name, this.isMeshed);
    this.continuations.push(continuation);
    return continuation;
  }

  private quota(): ResourceQuotaSpec {
    const own = [this, ...this.continuations]
      .flatMap(objectsIn)
      .filter((object) => object.kind !== 'ResourceQuota');
    const workloads = workloadsIn(own.map(manifestOf)).map(leaving);
    const pods = workloads.reduce((sum, { replicas, surge }) => sum + replicas + surge, 0);
    const requests = totalOf(workloads, 'requests');
    const limits = totalOf(workloads, 'limits');
    return {
      hard: {
        pods: String(pods),
        'requests.cpu': formatCores(requests.cpu),
        'requests.memory': formatBytes(requests.memory),
        'limits.memory': formatBytes(limits.memory),
      },
    };
  }
}

/**
 * A pod that was evicted counts until it is gone and the quota's controller has looked. Its successor, refused meanwhile, is
 * tried again ever later: a StatefulSet's for up to minutes.
 */
function leaving(workload: Workload): Workload {
  return { ...workload, surge: Math.max(workload.surge, Math.min(workload.replicas, 1)) };
}
