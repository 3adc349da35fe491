import { ApiObject, App } from 'cdk8s';
import { IConstruct } from 'constructs';
import { Phase, PhaseChart } from '../charts/phase-chart';
import type { Cluster, Environment } from '../config/schema';
import { AlertRules } from '../constructs/observability-stack/alert-rules';
import { Connections } from '../constructs/platform/connections';
import { PLATFORM_LABELS } from '../constructs/platform/labels';
import { Manifest, manifestOf, objectsIn } from '../constructs/platform/manifest';
import { NamespaceScope } from '../constructs/platform/names';
import { isNamespaced } from '../constructs/platform/scope';
import { withTrustedRoots } from './trust';
import { syncWaves } from './waves';

/** One object of a platform: what is printed, and where it comes from. */
export interface PlatformObject {
  readonly manifest: Manifest;
  readonly phase: Phase;
  /** The construct that made it, for findings. */
  readonly path: string;
  /** The pods it belongs to, where it belongs to some. */
  readonly connections?: Connections;
}

/** One cluster of one environment, built: what the guarantees look at and what is written. */
export interface Platform {
  readonly environment: Environment;
  readonly cluster: Cluster;
  readonly objects: readonly PlatformObject[];
  readonly connections: readonly Connections[];
  readonly alerts: readonly AlertRules[];
  /** Names of the files in `docs/runbooks/`. */
  readonly runbooks?: ReadonlySet<string>;
  /** Every image that the configuration knows. */
  readonly images?: ReadonlySet<string>;
}

const ASK_FIRST = 'Prune=confirm,Delete=confirm';

/**
 * What Argo CD does differently for a kind. It asks a person before it prunes or deletes what holds data, or holds what
 * holds data; everything else can be made again from Git. A Job is made anew at each sync: its template cannot be
 * changed, and one that failed would otherwise stand in the way of the retry for ever. All of them may run any number of
 * times.
 */
const SYNC_OPTIONS: Readonly<Record<string, string>> = {
  Namespace: ASK_FIRST,
  StatefulSet: ASK_FIRST,
  PersistentVolumeClaim: ASK_FIRST,
  Cluster: ASK_FIRST,
  Database: ASK_FIRST,
  ObjectStore: ASK_FIRST,
  Certificate: ASK_FIRST,
  Job: 'Force=true,Replace=true',
};

/**
 * Reads a finished construct tree: every object with its namespace, labels and sync wave. The tree itself stays as it
 * was built.
 */
export function readPlatform(app: App, environment: Environment, cluster: Cluster): Platform {
  const nodes = objectsIn(app).map((node) => ({ node, manifest: inNamespace(node), unit: unitOf(node) }));
  const waves = syncWaves(nodes);
  const { generations } = environment.certificateAuthority;
  const objects = nodes.map(({ node, manifest, unit }) => ({
    manifest: withTrustedRoots(describe(manifest, Connections.of(unit), waves.get(unit) ?? 0), generations),
    phase: phaseOf(node),
    path: node.node.path,
    connections: Connections.of(unit),
  }));
  const connections = app.node.findAll().flatMap((node) => Connections.of(node) ?? []);
  const alerts = app.node.findAll().filter((node) => node instanceof AlertRules);
  return { environment, cluster, objects, connections, alerts };
}

/** What an object is synced with: the set of pods it belongs to, else itself. */
function unitOf(node: ApiObject): IConstruct {
  return Connections.around(node)?.construct ?? node;
}

function inNamespace(node: ApiObject): Manifest {
  const manifest = manifestOf(node);
  const { namespace = NamespaceScope.of(node)?.name, ...metadata } = manifest.metadata;
  return { ...manifest, metadata: isNamespaced(node) ? { ...metadata, namespace } : metadata };
}

function describe(manifest: Manifest, connections: Connections | undefined, wave: number): Manifest {
  const { labels, annotations, ...metadata } = manifest.metadata;
  const options = SYNC_OPTIONS[manifest.kind];
  return {
    ...manifest,
    metadata: {
      ...metadata,
      labels: {
        'app.kubernetes.io/managed-by': 'cdk8s',
        ...PLATFORM_LABELS,
        ...connections?.podLabels,
        ...labels,
      },
      annotations: {
        'argocd.argoproj.io/sync-wave': String(wave),
        ...(options === undefined ? {} : { 'argocd.argoproj.io/sync-options': options }),
        ...annotations,
      },
    },
  };
}

function phaseOf(node: IConstruct): Phase {
  // To cdk8s any Chart is an instance of every class of charts, also of this one.
  const chart = node.node.scopes.find((scope): scope is PhaseChart => scope instanceof PhaseChart);
  if (!chart?.phase) throw new Error(`${node.node.path}: must be built inside a PhaseChart`);
  return chart.phase;
}
