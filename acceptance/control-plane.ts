import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './free-port';
import { run } from './kubectl';
import { Logins } from './logins';
import { findPrograms, type Paths, type ProgramName } from './programs';
import { Sandbox } from './sandbox';

export interface ControlPlaneOptions {
  /**
   * Whether kwok plays the kubelet of every Node that is made: pods there become ready, and those of Jobs complete, while
   * nothing runs.
   * @default false
   */
  readonly fakeNodes?: boolean;
  /**
   * Told what is being built or waited for.
   * @default - standard error
   */
  readonly say?: (line: string) => void;
}

/** Seconds that each program has to come up: some 5 on an idle machine. */
const START_SECONDS = 90;

/** Ports are free when they are chosen; somebody else may still be faster. */
const ATTEMPTS = 3;

const SERVICE_ADDRESSES = '10.96.0.0/16';

const AUDIT_POLICY = join(__dirname, '../constructs/access/audit-policy.yaml');

const auditLogIn = (folder: string): string => join(folder, 'audit.log');

const NEEDED = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const;

/**
 * A control plane of real Kubernetes on loopback, with nothing in it: RBAC and the API server's default admission (Pod
 * Security, quota, limit ranges, service accounts) are at work; service accounts get tokens; no node runs anything. It ends,
 * and its folder goes, with `stop` or with this program, however that ends.
 *
 * @example
 * const plane = await ControlPlane.start({ fakeNodes: true });
 * const cluster = await Cluster.connect(plane.kubeconfig);
 */
export class ControlPlane {
  /** What the API server wrote down of each request, as the platform's own audit policy has it. */
  readonly auditLog: string;

  private constructor(
    private readonly sandbox: Sandbox,
    /** A kubeconfig that may do everything. */
    readonly kubeconfig: string,
  ) {
    this.auditLog = auditLogIn(sandbox.folder);
  }

  /** @throws Error where a program is missing and cannot be built, or does not come up: with its last words */
  static async start({
    fakeNodes = false,
    say = console.error,
  }: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const names: readonly ProgramName[] = fakeNodes ? [...NEEDED, 'kwok'] : NEEDED;
    const programs = await findPrograms(names, say);
    for (let attempt = 1; ; attempt++) {
      const sandbox = new Sandbox('control-plane');
      try {
        return new ControlPlane(sandbox, await startIn(sandbox, programs, fakeNodes));
      } catch (error) {
        await sandbox.close();
        const isTaken = error instanceof Error && error.message.includes('address already in use');
        if (!isTaken || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Ends all its programs and removes its folder. */
  stop(): Promise<void> {
    return this.sandbox.close();
  }
}

/** Starts programs in a sandbox; flags by name. */
type Starter = (name: ProgramName, flags: Flags) => ChildProcess;

/** Starts all programs in order; each is waited for, as those after it need it. */
async function startIn(sandbox: Sandbox, programs: Paths<ProgramName>, fakeNodes: boolean): Promise<string> {
  const [etcdPort = '', peerPort = '', apiPort = ''] = (await freePorts(3)).map(String);
  const start: Starter = (name, flags) => sandbox.start(name, programs[name], argumentsOf(flags));
  const logins = new Logins(sandbox.folder, apiPort);
  const admin = logins.kubeconfig('admin');
  const asks = async (...args: readonly string[]): Promise<boolean> =>
    (await run(programs.kubectl, ['--kubeconfig', admin, 'get', ...args])).status === 0;

  const etcd = `http://127.0.0.1:${etcdPort}`;
  const store = startEtcd(start, sandbox.folder, etcd, `http://127.0.0.1:${peerPort}`);
  await ready(sandbox, 'etcd', store, async () => (await fetch(`${etcd}/health`)).ok);

  const apiServer = startApiServer(start, logins, etcd, apiPort, auditLogIn(sandbox.folder));
  await ready(sandbox, 'kube-apiserver', apiServer, async () => {
    logins.writeKubeconfigs();
    return asks('--raw', '/readyz');
  });

  const controllers = startControllers(start, logins, fakeNodes);
  const scheduler = start('kube-scheduler', {
    kubeconfig: logins.kubeconfig('kube-scheduler'),
    'secure-port': '0',
    'leader-elect': 'false',
  });
  if (fakeNodes)
    start('kwok', {
      kubeconfig: admin,
      'manage-all-nodes': 'true',
      // Nodes that are late with their status would else be given up now and then, and their pods be not ready for ever.
      'node-lease-duration-seconds': '40',
      config: join(__dirname, 'fake-nodes.yaml'),
    });
  await ready(sandbox, 'kube-controller-manager', controllers, () => asks('serviceaccount', 'default'));
  await ready(sandbox, 'kube-scheduler', scheduler, async () => scheduler.exitCode === null);
  return admin;
}

function startEtcd(start: Starter, folder: string, client: string, peer: string): ChildProcess {
  return start('etcd', {
    name: 'default',
    'data-dir': join(folder, 'etcd'),
    'unsafe-no-fsync': 'true', // Nothing of it is to survive.
    'log-level': 'warn',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
  });
}

function startApiServer(
  start: Starter,
  logins: Logins,
  etcd: string,
  port: string,
  auditLog: string,
): ChildProcess {
  return start('kube-apiserver', {
    'bind-address': '127.0.0.1',
    'secure-port': port,
    'advertise-address': '127.0.0.1',
    'cert-dir': logins.serving, // It makes a certificate there, and an authority for it.
    'etcd-servers': etcd,
    'service-cluster-ip-range': SERVICE_ADDRESSES,
    'endpoint-reconciler-type': 'none', // A loopback address is not allowed in an endpoint.
    'authorization-mode': 'Node,RBAC',
    'anonymous-auth': 'false',
    'token-auth-file': logins.tokens,
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-key-file': logins.publicKey,
    'service-account-signing-key-file': logins.privateKey,
    'allow-privileged': 'true', // As on real clusters: Pod Security decides.
    profiling: 'false',
    'audit-policy-file': AUDIT_POLICY,
    'audit-log-path': auditLog,
  });
}

function startControllers(start: Starter, logins: Logins, fakeNodes: boolean): ChildProcess {
  return start('kube-controller-manager', {
    kubeconfig: logins.kubeconfig('kube-controller-manager'),
    'secure-port': '0',
    'leader-elect': 'false',
    'root-ca-file': logins.authority,
    'service-account-private-key-file': logins.privateKey,
    'use-service-account-credentials': 'true',
    'service-cluster-ip-range': SERVICE_ADDRESSES,
    // A node that nothing runs on cannot fail; on a busy machine it would seem to.
    ...(fakeNodes ? { 'node-monitor-grace-period': '24h' } : {}),
  });
}

type Flags = Readonly<Record<string, string>>;

function argumentsOf(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

/** Waits until a program answers. Whatever it asks may fail until then; a program that has ended will never answer. */
async function ready(
  sandbox: Sandbox,
  name: string,
  child: ChildProcess,
  answers: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + START_SECONDS * 1000;
  while (!(await answers().catch(() => false))) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${name} could not be started: ${sandbox.lastWords(name)}`);
    if (performance.now() > end)
      throw new Error(`${name} does not answer after ${START_SECONDS} s: ${sandbox.lastWords(name)}`);
    await sleep(100);
  }
}
