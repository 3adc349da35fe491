import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvVar, NetworkPolicySpec, Volume, VolumeMount } from '../imports/k8s';
import type { Manifest } from '../constructs/platform/manifest';
import { RESTRICTED, Resources, resources, restrictedPod } from '../constructs/platform/pod';
import { TRUST_BUNDLE, TRUST_FILE } from '../constructs/platform/trust';
import { type Cluster, type Live, Refusal } from './cluster';
import { withRoom } from './room';
import { TEMPORARY } from './temporary';

/** Where and as whom something is tried. */
export interface Standing {
  /** Of the pod; says in the cluster what it is there for. */
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  /**
   * Labels by which policies know the pod.
   * @default - none but that of everything temporary
   */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * User that the program runs as.
   * @default 1000
   */
  readonly uid?: number;
  /** @default '48Mi' */
  readonly memory?: string;
  /** Passwords come in this way, from Secrets; never as a value. */
  readonly env?: readonly EnvVar[];
  /** Secrets by the folder that they are mounted at. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Whether the platform's roots are mounted at `/trust`. */
  readonly trust?: boolean;
}

/** Name of its container. */
export const PLACE = 'place';

/** Seconds until a pod must run: its image may have to be pulled, and room may have to become free. */
const START_SECONDS = 120;

/** Seconds after which a pod ends by itself, should nobody be left to remove it. */
const LIFETIME_SECONDS = 1800;

/**
 * A pod in which scripts are run as a client of the platform would run. It is never ready, so no Service leads to it
 * whatever its labels are; it holds to Pod Security `restricted`, and the quota has room for it meanwhile.
 */
export class Place {
  private constructor(
    private readonly cluster: Cluster,
    private readonly pod: Manifest,
    /** The pod's address. */
    readonly address: string,
  ) {}

  /** @throws Error where the pod does not come to run */
  static async open(cluster: Cluster, standing: Standing): Promise<Place> {
    const pod = podOf(standing);
    await cluster.remove(pod, { gracePeriodSeconds: 0 });
    const end = performance.now() + START_SECONDS * 1000;
    for (;;) {
      const live = await created(cluster, pod, end);
      const { phase, podIP } = (live?.['status'] ?? {}) as PodStatus;
      if (phase === 'Running' && podIP !== undefined) return new Place(cluster, pod, podIP);
      if (performance.now() > end) {
        await cluster.remove(pod, { gracePeriodSeconds: 0 });
        throw new Error(
          `pod ${standing.namespace}/${standing.name} does not run after ${START_SECONDS} s: ${reasonOf(live)}`,
        );
      }
      await sleep(300);
    }
  }

  /**
   * Runs a shell script to its end.
   * @param seconds after which it is ended
   * @returns what it printed
   * @throws Error with what it said last, where it fails
   */
  async run(script: string, seconds = 60): Promise<string> {
    return this.exec(['timeout', String(seconds), 'sh', '-s'], script);
  }

  /** Runs a program with an input to its end; as `run` otherwise. */
  async exec(command: readonly string[], input: string): Promise<string> {
    const { name, namespace = '' } = this.pod.metadata;
    const { status, stdout, stderr } = await this.cluster.kubectl(
      ['exec', '-i', '-n', namespace, name, '--', ...command],
      input,
    );
    if (status === 0) return stdout.trim();
    const said = (stderr.replace(/^command terminated with exit code \d+\s*$/m, '').trim() || stdout.trim())
      .split('\n')
      .slice(-3)
      .join(' ');
    throw new Error(ENDINGS[status] ?? (said || `ended with status ${status}`));
  }

  async close(): Promise<void> {
    await this.cluster.remove(this.pod, { gracePeriodSeconds: 0 });
  }
}

/** What a shell's status tells that no message does. */
const ENDINGS: Readonly<Record<number, string>> = {
  124: 'no end in the time it has',
  141: 'the connection was cut while it was written to',
};

/** Opens a place, uses it and takes it away, whatever comes of it. */
export async function standingAt<T>(
  cluster: Cluster,
  standing: Standing,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  return withRoom(cluster, standing.namespace, sizeOf(standing), async () => {
    const place = await Place.open(cluster, standing);
    try {
      return await use(place);
    } finally {
      await place.close();
    }
  });
}

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly conditions?: readonly { readonly status: string; readonly message?: string }[];
  readonly containerStatuses?: readonly {
    readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
  }[];
}

/** The pod as it is, made where it is not there; a quota that is full for the moment is waited for. */
async function created(cluster: Cluster, pod: Manifest, end: number): Promise<Live | undefined> {
  const there = await cluster.get(pod);
  if (there) return there;
  try {
    return (await cluster.apply(await owned(cluster, pod))).body;
  } catch (error) {
    if (!(error instanceof Refusal) || !error.message.includes('exceeded quota') || performance.now() > end)
      throw error;
    return undefined;
  }
}

/**
 * The pod, controlled by its namespace: one that nobody controls is taken over by the DaemonSet whose labels it has, which
 * deletes it as one too many on its node.
 */
async function owned(cluster: Cluster, pod: Manifest): Promise<Manifest> {
  const { namespace: name = '' } = pod.metadata;
  const owner = await cluster.get({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  if (!owner) throw new Error(`there is no namespace ${name}`);
  const reference = { apiVersion: 'v1', kind: 'Namespace', name, uid: owner.metadata.uid, controller: true };
  const metadata = { ...pod.metadata, ownerReferences: [reference] };
  return { ...pod, metadata };
}

function reasonOf(live: Live | undefined): string {
  if (!live) return 'its namespace has no room';
  const { conditions = [], containerStatuses = [] } = (live['status'] ?? {}) as PodStatus;
  const waiting = containerStatuses.flatMap(({ state }) => state?.waiting ?? []);
  return (
    [
      ...waiting.map(({ reason, message }) => [reason, message].join(' ')),
      ...conditions.map((each) => each.message),
    ]
      .filter(Boolean)
      .join('; ') || 'it says no reason'
  );
}

function sizeOf({ memory = '48Mi' }: Standing): Resources {
  return { cpu: '10m', memory };
}

/** Labels that every pod must have and no policy of the network knows. */
const NOBODY = {
  'app.kubernetes.io/name': 'acceptance',
  'app.kubernetes.io/instance': 'acceptance',
  'app.kubernetes.io/component': 'place',
};

/** The pod that stands somewhere. */
export function podOf(standing: Standing): Manifest {
  const { name, namespace, image, labels = {}, uid = 1000, env = [] } = standing;
  const { volumes, mounts } = volumesOf(standing);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { ...NOBODY, ...labels, [TEMPORARY]: name } },
    spec: {
      // Nobody sets this condition.
      readinessGates: [{ conditionType: TEMPORARY }],
      restartPolicy: 'Never',
      activeDeadlineSeconds: LIFETIME_SECONDS,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: restrictedPod(uid),
      containers: [
        {
          name: PLACE,
          image,
          command: ['sleep', String(LIFETIME_SECONDS)],
          env: [{ name: 'HOME', value: '/tmp' }, ...env],
          resources: resources(sizeOf(standing)),
          securityContext: RESTRICTED,
          volumeMounts: mounts,
        },
      ],
      volumes,
    },
  };
}

function volumesOf({ secrets = {}, trust = false }: Standing): { volumes: Volume[]; mounts: VolumeMount[] } {
  const bundle = {
    name: 'trust',
    configMap: { name: TRUST_BUNDLE, items: [{ key: TRUST_FILE, path: TRUST_FILE }] },
  };
  const mounted = Object.entries(secrets).map(([path, secretName], index) => ({
    volume: { name: `secret-${index}`, secret: { secretName, defaultMode: 0o440 } },
    path,
  }));
  const all = [
    { volume: { name: 'tmp', emptyDir: { medium: 'Memory' as const, sizeLimit: '8Mi' } }, path: '/tmp' },
    ...(trust ? [{ volume: bundle, path: '/trust' }] : []),
    ...mounted,
  ];
  return {
    volumes: all.map(({ volume }) => volume),
    mounts: all.map(({ volume: { name }, path }) => ({ name, mountPath: path })),
  };
}

/** Pods that a temporary policy opens, at a port. */
export interface Goal {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number;
}

/** Something outside the cluster: a port anywhere. */
export interface Outside {
  readonly port: number;
}

const DNS: NonNullable<NetworkPolicySpec['egress']>[number] = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

/**
 * The two halves of each connection that a client's `connections.allowTo(…)` would declare, for a place alone. There for
 * as long as a service is tried: which connections the platform itself lets through is another check.
 */
export function policiesFor(
  { name, namespace }: Pick<Standing, 'name' | 'namespace'>,
  goals: readonly (Goal | Outside)[],
): Manifest[] {
  const policy = (where: string, id: string, spec: NetworkPolicySpec): Manifest => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: id, namespace: where, labels: { [TEMPORARY]: name } },
    spec,
  });
  const pods = (where: string, matchLabels: Readonly<Record<string, string>>) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': where } },
    podSelector: { matchLabels },
  });
  const inside = goals.filter((goal) => 'namespace' in goal);
  return [
    policy(namespace, `${name}-out`, {
      podSelector: { matchLabels: { [TEMPORARY]: name } },
      policyTypes: ['Egress'],
      egress: [
        DNS,
        ...goals.map((goal) => ({
          ...('namespace' in goal ? { to: [pods(goal.namespace, goal.labels)] } : {}),
          ports: [{ port: goal.port }],
        })),
      ],
    }),
    ...inside.map((goal, index) =>
      policy(goal.namespace, `${name}-in-${index}`, {
        podSelector: { matchLabels: { ...goal.labels } },
        policyTypes: ['Ingress'],
        ingress: [{ from: [pods(namespace, { [TEMPORARY]: name })], ports: [{ port: goal.port }] }],
      }),
    ),
  ];
}

/** Opens a place with the connections it needs, and takes both away again. */
export async function connectedAt<T>(
  cluster: Cluster,
  standing: Standing,
  goals: readonly (Goal | Outside)[],
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const policies = policiesFor(standing, goals);
  try {
    for (const policy of policies) await cluster.apply(policy);
    return await standingAt(cluster, standing, use);
  } finally {
    for (const policy of policies) await cluster.remove(policy);
  }
}
