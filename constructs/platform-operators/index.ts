import { Construct } from 'constructs';
import { Application, AppProject } from '../../imports/argoproj.io';
import { PLATFORM_LABELS } from '../platform/labels';
import { MESH_LABEL } from '../platform/mesh';
import { objectName } from '../platform/names';
import { type Members, rolesOf } from '../delivery/roles';
import { COMPARED, LOCAL_CLUSTER, RETRY, SYNC_OPTIONS, SyncWindow, windowsFor } from '../delivery/settings';
import { OPERATOR_NAMES, operatorChart, OperatorName, operatorsFor } from './operators';

export interface PlatformOperatorsProps {
  /**
   * API groups in use: operators that none of them needs, directly or through another operator, are not installed.
   * @default - all operators
   */
  readonly groups?: ReadonlySet<string>;
  /**
   * Operators that the cluster already has; they are left alone.
   * @default - none
   */
  readonly installed?: readonly OperatorName[];
  /**
   * Namespaces of operators whose pods the mesh takes in, for they connect to pods that are in it.
   * @default - none
   */
  readonly meshed?: ReadonlySet<string>;
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
 * The operators that the platform's custom resources need, each an Argo CD Application of its pinned upstream chart, in
 * waves before anything that uses them.
 *
 * @example new PlatformOperators(argocd, 'operators', { installed: ['cert-manager'] });
 */
export class PlatformOperators extends Construct {
  /** The first sync wave in which all operators are healthy, but those that need what the first phase makes. */
  readonly nextWave: number;

  constructor(scope: Construct, id: string, props: PlatformOperatorsProps = {}) {
    super(scope, id);
    const { groups, installed = [], meshed = new Set() } = props;
    const needed = groups === undefined ? OPERATOR_NAMES : operatorsFor(groups);
    const names = needed.filter((name) => !installed.includes(name));
    const charts = names.map(operatorChart);

    const project = new AppProject(this, 'Resource', {
      spec: {
        description: 'Operators, installed from their upstream charts',
        sourceRepos: unique(charts.map(({ repository }) => repository)),
        destinations: unique(charts.map(({ namespace }) => namespace)).map((namespace) => ({
          server: LOCAL_CLUSTER,
          namespace,
        })),
        // Definitions, webhooks and cluster roles of any kind: an operator's chart decides what it consists of.
        clusterResourceWhitelist: [{ group: '*', kind: '*' }],
        namespaceResourceWhitelist: [{ group: '*', kind: '*' }],
        roles: rolesOf(objectName(this), props.members),
        ...windowsFor(props.syncWindows),
      },
    });
    const early = names.filter((name) => !LATE.includes(name));
    this.nextWave = 1 + Math.max(0, ...early.map((name) => wave(name)));
    for (const name of names) {
      // In the wave after the first phase, and among themselves in order.
      const moment = early.includes(name) ? wave(name) : this.nextWave + wave(name, LATE);
      this.install(name, project.name, moment, meshed);
    }
  }

  private install(name: OperatorName, project: string, wave: number, meshed: ReadonlySet<string>): void {
    const { repository, chart, version, namespace, values } = operatorChart(name);
    const labels = labelsOf(name, meshed);
    new Application(this, name, {
      metadata: {
        name: `${objectName(this)}-${name}`,
        annotations: { ...COMPARED, 'argocd.argoproj.io/sync-wave': String(wave) },
      },
      spec: {
        project,
        destination: { server: LOCAL_CLUSTER, namespace },
        source: {
          repoURL: repository,
          chart,
          targetRevision: version,
          helm: { releaseName: name, valuesObject: values },
        },
        syncPolicy: {
          automated: { prune: true, selfHeal: true },
          syncOptions: ['CreateNamespace=true', ...SYNC_OPTIONS],
          ...(Object.keys(labels).length > 0 ? { managedNamespaceMetadata: { labels } } : {}),
          retry: RETRY,
        },
      },
    });
  }
}

/** Those that come after the first phase. */
const LATE = OPERATOR_NAMES.filter((name) => operatorChart(name).isLate);

/** One after all of these that it needs; the projects are in wave 0. */
function wave(name: OperatorName, among: readonly OperatorName[] = OPERATOR_NAMES): number {
  const needed = among.filter((other) => operatorChart(name).needs.includes(other));
  return 1 + Math.max(0, ...needed.map((other) => wave(other, among)));
}

/** What an operator's namespace says: whether the roots come there, whether the mesh takes its pods in, and what they may do. */
function labelsOf(name: OperatorName, meshed: ReadonlySet<string>): Readonly<Record<string, string>> {
  const { namespace, trusts, privileged } = operatorChart(name);
  return {
    ...(trusts ? PLATFORM_LABELS : {}),
    ...(meshed.has(namespace) ? { [MESH_LABEL]: 'ambient' } : {}),
    ...(privileged === undefined ? {} : { 'pod-security.kubernetes.io/enforce': 'privileged' }),
  };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
