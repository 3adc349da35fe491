import { ApiObject, Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { Application, AppProject } from '../../imports/argoproj.io';
import { objectsIn } from '../platform/manifest';
import { NamespaceScope } from '../platform/names';
import { isNamespaced } from '../platform/scope';
import { LOCAL_CLUSTER, RETRY } from './settings';

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

    const root = new AppProject(this, 'Root', {
      metadata: { name: `${id}-bootstrap` },
      spec: {
        description: 'The root Application: projects and Applications, nothing else',
        sourceRepos: [props.repository],
        destinations: [{ server: LOCAL_CLUSTER, namespace: 'argocd' }],
        clusterResourceWhitelist: [],
        namespaceResourceWhitelist: ['AppProject', 'Application'].map((kind) => ({
          group: 'argoproj.io',
          kind,
        })),
      },
    });
    this.application('bootstrap', root.name, 0);

    const project = new AppProject(this, 'Resource', {
      metadata: { name: id },
      spec: {
        description: 'The platform, phase by phase',
        sourceRepos: [props.repository],
        destinations: Lazy.any({
          produce: () => namespacesOf(objects).map((namespace) => ({ server: LOCAL_CLUSTER, namespace })),
        }),
        clusterResourceWhitelist: kindsOf(objects.filter((object) => !isNamespaced(object))),
        namespaceResourceWhitelist: kindsOf(objects.filter(isNamespaced)),
      },
    });
    phases.forEach(({ name }, index) => this.application(name, project.name, props.firstWave + index));
  }

  private application(phase: string, project: string, wave: number): void {
    const { repository, branch, folder } = this.props;
    new Application(this, phase, {
      metadata: {
        name: `${this.node.id}-${phase}`,
        annotations: { 'argocd.argoproj.io/sync-wave': String(wave) },
      },
      spec: {
        project,
        destination: { server: LOCAL_CLUSTER },
        source: { repoURL: repository, targetRevision: branch, path: `${folder}/${phase}` },
        syncPolicy: {
          automated: { prune: true, selfHeal: true },
          syncOptions: ['ServerSideApply=true', 'RespectIgnoreDifferences=true'],
          retry: RETRY,
        },
      },
    });
  }
}

function namespacesOf(objects: readonly ApiObject[]): string[] {
  const names = objects.flatMap(
    (object) => object.metadata.namespace ?? NamespaceScope.of(object)?.name ?? [],
  );
  return [...new Set(names)].sort();
}

function kindsOf(objects: readonly ApiObject[]): { group: string; kind: string }[] {
  const kinds = new Map(
    objects.map(({ apiGroup, kind }) => [`${apiGroup}/${kind}`, { group: apiGroup, kind }]),
  );
  return [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind);
}
