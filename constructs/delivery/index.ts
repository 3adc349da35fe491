import { ApiObject } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Application, AppProject } from '../../imports/argoproj.io';
import { objectsIn } from '../platform/manifest';
import { NamespaceScope, namespaceOf } from '../platform/names';
import { isNamespaced } from '../platform/scope';
import { type Members, rolesOf } from './roles';
import { COMPARED, LOCAL_CLUSTER, RETRY, SYNC_OPTIONS, SyncWindow, windowsFor } from './settings';

/** One folder of manifests, and the part of the construct tree that it is printed from. */
export interface Delivered {
  /** The phase's name, which is the folder's. */
  readonly name: string;
  readonly contents: IConstruct;
}

export interface DeliveryProps {
  /** URL of the Git repository. */
  readonly repository: string;
  /** Branch that holds nothing but synthesized manifests. */
  readonly branch: string;
  /** The cluster's folder on that branch, such as `production/frankfurt`. */
  readonly folder: string;
  /** What to deliver, in order. Folders without an object get no Application: Argo CD refuses a path that is not there. */
  readonly phases: readonly Delivered[];
  /** Sync wave of the first of them. */
  readonly firstWave: number;
  /**
   * When Argo CD may sync by itself.
   * @default - always
   */
  readonly syncWindows?: readonly SyncWindow[];
  /**
   * Groups of people with a role in Argo CD.
   * @default - `lighthouse-platform`, `lighthouse-operator`, `lighthouse-reader`
   */
  readonly members?: Members;
}

/**
 * Argo CD's side of the platform: a root Application that a person applies once, and one Application per phase in waves,
 * in a project that may create exactly the kinds and namespaces that the phases hold.
 *
 * Must be built in Argo CD's own namespace.
 */
export class Delivery extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: DeliveryProps,
  ) {
    super(scope, id);
    const phases = props.phases.filter(({ contents }) => objectsIn(contents).length > 0);
    const objects = phases.flatMap(({ contents }) => objectsIn(contents));

    const own = namespaceOf(this);
    refuseStrangers(objects, own);
    const root = new AppProject(this, 'Root', {
      metadata: { name: `${id}-bootstrap` },
      spec: {
        description: "The root Application: projects, Applications and Argo CD's own settings, nothing else",
        sourceRepos: [props.repository],
        destinations: [{ server: LOCAL_CLUSTER, namespace: own }],
        clusterResourceWhitelist: [],
        namespaceResourceWhitelist: [
          { group: '', kind: 'ConfigMap' },
          { group: 'argoproj.io', kind: 'AppProject' },
          { group: 'argoproj.io', kind: 'Application' },
        ],
        roles: rolesOf(`${id}-bootstrap`, props.members),
        // No windows: a commit that opens one must get in.
      },
    });
    // After all others: whatever comes after it would wait for its health, which is theirs.
    this.application('bootstrap', root.name, own, props.firstWave + phases.length);

    const project = new AppProject(this, 'Resource', {
      metadata: { name: id },
      spec: {
        description: 'The platform, phase by phase',
        sourceRepos: [props.repository],
        destinations: namespacesOf(objects).map((namespace) => ({ server: LOCAL_CLUSTER, namespace })),
        clusterResourceWhitelist: kindsOf(objects.filter((object) => !isNamespaced(object))),
        namespaceResourceWhitelist: kindsOf(objects.filter(isNamespaced)),
        roles: rolesOf(id, props.members),
        ...windowsFor(props.syncWindows),
      },
    });
    // What lies in no namespace has one all the same.
    const [any] = namespacesOf(objects);
    phases.forEach(({ name, contents }, index) => {
      const [namespace = any] = namespacesOf(objectsIn(contents));
      this.application(name, project.name, namespace, props.firstWave + index);
    });
  }

  /**
   * @param namespace one that the project allows. Every object names its own; Argo CD refuses an Application whose
   * destination is not among its project's all the same
   */
  private application(phase: string, project: string, namespace: string | undefined, wave: number): void {
    const { repository, branch, folder } = this.props;
    new Application(this, phase, {
      metadata: {
        name: `${this.node.id}-${phase}`,
        annotations: { ...COMPARED, 'argocd.argoproj.io/sync-wave': String(wave) },
      },
      spec: {
        project,
        destination: { server: LOCAL_CLUSTER, namespace },
        source: { repoURL: repository, targetRevision: branch, path: `${folder}/${phase}` },
        syncPolicy: {
          automated: { prune: true, selfHeal: true },
          syncOptions: SYNC_OPTIONS,
          retry: RETRY,
        },
      },
    });
  }
}

/**
 * What the phases may have in Argo CD's own namespace: that it is scraped, that people may hold an Application, and the key by which
 * they sign in.
 */
const GUESTS: readonly string[] = ['ExternalSecret', 'PodMonitor', 'Role', 'RoleBinding'];

/**
 * A project knows no kinds by namespace: whatever the phases may sync somewhere, they may sync to Argo CD's namespace as well, where
 * a ConfigMap or a Deployment would change what Argo CD itself does.
 */
function refuseStrangers(objects: readonly ApiObject[], own: string): void {
  const [stranger] = objects.filter((object) => namespaceIn(object) === own && !GUESTS.includes(object.kind));
  if (!stranger) return;
  throw new Error(
    `${stranger.node.path}: ${stranger.kind} in namespace ${own}, where phases may have ${GUESTS.join(', ')} alone; what Argo CD is made of belongs to the bootstrap`,
  );
}

function namespacesOf(objects: readonly ApiObject[]): string[] {
  return [...new Set(objects.flatMap((object) => namespaceIn(object) ?? []))].sort();
}

function namespaceIn(object: ApiObject): string | undefined {
  return object.metadata.namespace ?? NamespaceScope.of(object)?.name;
}

function kindsOf(objects: readonly ApiObject[]): { group: string; kind: string }[] {
  const all = objects.map(({ apiVersion, kind }) => ({ group: groupOf(apiVersion), kind }));
  const kinds = new Map(all.map((each) => [`${each.group}/${each.kind}`, each]));
  return [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** The API group as Kubernetes calls it: that of ConfigMaps, which cdk8s calls `core`, has no name. */
function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
