import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Live } from '../../acceptance/cluster';
import { findPrograms } from '../../acceptance/programs';
import { Sandbox } from '../../acceptance/sandbox';
import type { Manifest } from '../../constructs/platform/manifest';
import { freePorts } from '../../acceptance/free-port';
import { find } from '../support';

/** An Application as Argo CD sees it. */
export interface Application extends Live {
  readonly status?: {
    readonly sync?: { readonly status: string; readonly revision?: string };
    readonly health?: { readonly status: string };
    readonly operationState?: {
      readonly phase: string;
      readonly message?: string;
      readonly retryCount?: number;
      readonly startedAt: string;
    };
    readonly conditions?: readonly { readonly type: string; readonly message: string }[];
    readonly resources?: readonly {
      readonly kind: string;
      readonly namespace?: string;
      readonly name: string;
      readonly status?: string;
      readonly requiresPruning?: boolean;
    }[];
  };
}

const REDIS = '/usr/bin/redis-server';

/** Environment variables that Argo CD's own manifests take out of its ConfigMaps, for the settings that are ours. */
const FROM_SETTINGS: Readonly<Record<string, readonly [configMap: string, key: string]>> = {
  ARGOCD_RECONCILIATION_TIMEOUT: ['argocd-cm', 'timeout.reconciliation'],
  ARGOCD_RECONCILIATION_JITTER: ['argocd-cm', 'timeout.reconciliation.jitter'],
  ARGOCD_APPLICATION_CONTROLLER_SYNC_TIMEOUT: ['argocd-cmd-params-cm', 'controller.sync.timeout.seconds'],
};

const CONTROLLER = 'argocd-application-controller';

type Variables = Readonly<Record<string, string>>;

/** Seconds that a program has to come up. */
const START_SECONDS = 60;

/**
 * The real Argo CD as processes on loopback: application controller, repo server, and Redis between them. All that it is
 * told comes from the ConfigMaps of a `dist`.
 */
export class ArgoCd {
  private controller: ChildProcess;

  private constructor(
    private readonly sandbox: Sandbox,
    private readonly cluster: Cluster,
    private readonly startController: (variables: Variables) => ChildProcess,
  ) {
    this.controller = startController({});
  }

  /**
   * @param settings holds Argo CD's ConfigMaps
   * @throws Error where a program is missing or does not come up
   */
  static async start(cluster: Cluster, settings: readonly Manifest[]): Promise<ArgoCd> {
    if (!existsSync(REDIS)) throw new Error(`${REDIS} is not there: install Debian's package redis-server`);
    const { argocd } = await findPrograms(['argocd'], console.error);
    await cluster.apply(secret());
    const sandbox = new Sandbox('argo-cd');
    try {
      const [redis, repo, ...metrics] = await freePorts(4);
      const redisAt = ['--redis', `127.0.0.1:${redis}`];
      const common = { ...environmentOf(settings), ...environmentIn(sandbox, cluster) };
      const start = (name: string, args: readonly string[], variables: Variables = {}): ChildProcess => {
        const all = Object.entries({ ...common, ...variables, ARGOCD_BINARY_NAME: name });
        return sandbox.start(name, 'env', [...all.map(([key, value]) => `${key}=${value}`), argocd, ...args]);
      };
      sandbox.start('redis', REDIS, [
        ...['--bind', '127.0.0.1', '--port', String(redis)],
        ...['--save', '', '--appendonly', 'no', '--dir', sandbox.folder],
      ]);
      await listening(sandbox, 'redis', redis);
      start('argocd-repo-server', [
        ...['--address', '127.0.0.1', '--port', String(repo)],
        ...['--metrics-address', '127.0.0.1', '--metrics-port', String(metrics[0])],
        ...redisAt,
      ]);
      await listening(sandbox, 'argocd-repo-server', repo);
      const controllerArgs = [
        ...['--kubeconfig', cluster.kubeconfig, '--namespace', 'argocd'],
        ...['--repo-server', `127.0.0.1:${repo}`, '--metrics-port', String(metrics[1])],
        ...redisAt,
      ];
      return new ArgoCd(sandbox, cluster, (variables) => start(CONTROLLER, controllerArgs, variables));
    } catch (error) {
      await sandbox.close();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.sandbox.close();
  }

  /** Starts the controller anew, with another limit for a sync, which it reads only then. */
  async limitSyncs(seconds: number): Promise<void> {
    const ended = once(this.controller, 'exit');
    this.controller.kill();
    await ended;
    this.controller = this.startController({ ARGOCD_APPLICATION_CONTROLLER_SYNC_TIMEOUT: String(seconds) });
  }

  /** The last of what the controller said. */
  lastWords(): string {
    return this.sandbox.lastWords(CONTROLLER);
  }

  async application(name: string): Promise<Application | undefined> {
    return this.cluster.get({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name, namespace: 'argocd' },
    });
  }
}

/** Argo CD wants it to be there; nobody logs in here. */
function secret(): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'argocd-secret',
      namespace: 'argocd',
      labels: { 'app.kubernetes.io/part-of': 'argocd' },
    },
    stringData: { 'server.secretkey': randomBytes(32).toString('base64') },
  };
}

function environmentOf(settings: readonly Manifest[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(FROM_SETTINGS).map(([variable, [configMap, key]]) => {
      const value = (find(settings, 'ConfigMap', configMap)['data'] as Record<string, string>)[key];
      if (value === undefined) throw new Error(`${configMap} has no ${key}`);
      return [variable, value];
    }),
  );
}

function environmentIn({ folder }: Sandbox, { kubeconfig }: Cluster): Record<string, string> {
  return {
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_TLS_DATA_PATH: join(folder, 'tls'),
    ARGOCD_SSH_DATA_PATH: join(folder, 'ssh'),
    KUBECONFIG: kubeconfig,
    TMPDIR: folder,
    HOME: folder,
  };
}

/** A port that is free just now. */
async function listening(sandbox: Sandbox, name: string, port: number | undefined): Promise<void> {
  for (const end = performance.now() + START_SECONDS * 1000; ; await sleep(100)) {
    const socket = await fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      (error: unknown) => !(error instanceof Error && String(error.cause).includes('ECONNREFUSED')),
    );
    if (socket) return;
    if (performance.now() > end) throw new Error(`${name} does not answer: ${sandbox.lastWords(name)}`);
  }
}
