import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { App } from 'cdk8s';
import { bootstrap } from '../../charts/bootstrap';
import { foundation } from '../../charts/foundation';
import { PhaseChart } from '../../charts/phase-chart';
import type { Images } from '../../config/images';
import { loadConfig } from '../../config/load';
import type { Environment } from '../../config/schema';
import { PlatformNamespaces } from '../../constructs/platform-namespaces';
import { OPERATOR_NAMES } from '../../constructs/platform-operators/operators';
import { resources, RESTRICTED, restrictedPod } from '../../constructs/platform/pod';
import { ConfigMap, Deployment, type PodTemplateSpec, Service, StatefulSet } from '../../imports/k8s';
import { DistBranch } from '../../publishing/branch';
import { Git } from '../../publishing/git';
import { publish } from '../../publishing/publish';
import { rollback } from '../../publishing/rollback';
import { type Printed, readPrinted } from '../../synth/dist';
import type { Files } from '../../synth/memory';
import { readPlatform } from '../../synth/platform';
import { printPlatform } from '../../synth/print';

/** The cluster that is delivered. */
export const PLACE = { environment: 'staging', cluster: 'staging' } as const;

/** What a revision holds in the phase that is changed all the time. */
export interface Revision {
  /** A value in a ConfigMap. */
  readonly marker: string;
  /** Whether the program that makes credentials is of another version: a change of the phase that Jobs are in. */
  readonly isUpdated?: boolean;
  /** Whether the StatefulSet `store` is there. */
  readonly store?: boolean;
  /** Whether its pods ask for a node that there is not. */
  readonly isStuck?: boolean;
  /** Whether there is a ConfigMap that nothing needs. */
  readonly hasExtra?: boolean;
  /** Whether there is a Service that the API server refuses. */
  readonly isRefused?: boolean;
  readonly syncWindows?: Environment['delivery']['syncWindows'];
}

export const FIRST: Revision = { marker: 'one' };

/** Seconds between two looks at the branch here. */
const POLL = 5;

/**
 * Everything of an environment, as a synth prints it, with operators that are there already, a second phase that is quick to
 * change, and Argo CD looking for news more often.
 */
export function printed(repository: string, revision: Revision): Files {
  const { environments, images } = loadConfig(join(process.env['LIGHTHOUSE_ROOT'] ?? '.', 'config'));
  const configured = environments.find(({ environment }) => environment === PLACE.environment);
  const place = configured?.clusters.find(({ name }) => name === PLACE.cluster);
  if (!configured || !place)
    throw new Error(`the configuration has no ${PLACE.environment}/${PLACE.cluster}`);
  const { syncWindows, isUpdated = false } = revision;
  const environment = {
    ...configured,
    delivery: { repository, branch: 'dist', ...(syncWindows && { syncWindows }) },
  };
  const cluster = { ...place, installed: [...OPERATOR_NAMES] };
  const app = new App();
  const used: Images = (name) => images(name) + (isUpdated && name === 'curl' ? '.1' : '');
  const phases = [foundation(app, environment, cluster, used).chart, automation(app, revision)];
  bootstrap(app, environment, cluster, phases);
  const files = printPlatform(readPlatform(app, environment, cluster));
  return new Map([...files].map(([path, text]) => [path, sooner(text)]));
}

function sooner(text: string): string {
  return text
    .replace(/(timeout\.reconciliation: )\d+s/, `$1${POLL}s`)
    .replace(/(timeout\.reconciliation\.jitter: )\d+s/, `$1${POLL / 5}s`);
}

function automation(
  app: App,
  { marker, store = true, isStuck = false, hasExtra = false, isRefused = false }: Revision,
): PhaseChart {
  const chart = new PhaseChart(app, 'automation');
  const drill = new PlatformNamespaces(chart, 'Namespaces').add('drill');
  const at = (wave: number) => ({ annotations: { 'argocd.argoproj.io/sync-wave': String(wave) } });
  new ConfigMap(drill, 'settings', { metadata: at(1), data: { marker } });
  if (hasExtra) new ConfigMap(drill, 'extra', { metadata: at(1), data: {} });
  if (store) {
    const labels = { 'app.kubernetes.io/name': 'store' };
    new StatefulSet(drill, 'store', {
      metadata: at(2),
      spec: {
        serviceName: 'store',
        replicas: 1,
        // As the platform's own: in order, Kubernetes never replaces a pod that did not become ready.
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: pod(labels, isStuck ? { nowhere: 'here' } : undefined),
      },
    });
  }
  const labels = { 'app.kubernetes.io/name': 'front' };
  new Deployment(drill, 'front', {
    metadata: at(3),
    spec: { replicas: 2, selector: { matchLabels: labels }, template: pod(labels) },
  });
  if (isRefused)
    new Service(drill, 'refused', {
      metadata: at(3),
      // The schema allows the name; the API server does not.
      spec: { selector: labels, ports: [{ name: 'Capital', port: 80 }] },
    });
  return chart;
}

function pod(
  labels: Readonly<Record<string, string>>,
  nodeSelector?: Readonly<Record<string, string>>,
): PodTemplateSpec {
  return {
    metadata: { labels },
    spec: {
      nodeSelector,
      securityContext: restrictedPod(1000),
      containers: [
        {
          name: 'main',
          image: 'docker.io/library/busybox:1.37.0',
          securityContext: RESTRICTED,
          resources: resources({ cpu: '10m', memory: '16Mi' }),
        },
      ],
    },
  };
}

/** The objects of a cluster that files hold. */
export function objectsIn(files: Files): Printed[] {
  return [...files].map(([file, text]) => readPrinted(file, text));
}

/** A bare repository, and the branch there that Argo CD reads. */
export class Repository {
  readonly url: string;
  private readonly branch: DistBranch;

  /** @param folder where it is made */
  constructor(folder: string) {
    const [sources, bare] = [join(folder, 'sources'), join(folder, 'dist.git')];
    this.url = `file://${bare}`;
    execFileSync('git', ['init', '--quiet', '--bare', bare]);
    execFileSync('git', ['init', '--quiet', sources]);
    for (const setting of ['user.name', 'user.email'])
      execFileSync('git', ['-C', sources, 'config', setting, 'proof@localhost']);
    this.branch = DistBranch.of(Git.open(sources), this.url, 'dist');
  }

  /**
   * Publishes a revision, as `npm run dist:publish` does.
   * @returns its commit
   */
  async publish(revision: Revision): Promise<string> {
    const source = { commit: '0'.repeat(40), subject: revision.marker, isDirty: false };
    const options = { allowances: [], again: false, anySource: true, dryRun: false };
    return (await publish(this.branch, printed(this.url, revision), source, options)).commit;
  }

  /** Publishes a revision past the safety check, as somebody does who pushes by hand. */
  push(revision: Revision): string {
    const base = this.branch.fetch();
    const prepared = this.branch.prepare(printed(this.url, revision), base, revision.marker, {});
    if (!this.branch.push(prepared)) throw new Error('the branch was moved by somebody else');
    return prepared.commit;
  }

  /** Goes back, as `npm run dist:rollback` does. */
  rollback(to: string): string {
    const options = {
      to,
      reason: undefined,
      environment: undefined,
      cluster: undefined,
      allowances: [],
      dryRun: false,
    };
    return rollback(this.branch, options).commit;
  }
}
