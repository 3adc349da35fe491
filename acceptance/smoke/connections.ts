import { setTimeout as sleep } from 'node:timers/promises';
import type { PodSpec } from '../../imports/k8s';
import { containersOf, spec, workloadsIn } from '../../constructs/platform/workloads';
import type { Manifest } from '../../constructs/platform/manifest';
import { selects } from '../../guarantees/label-selector';
import type { Cluster, Live } from '../cluster';
import { standingAt } from '../place';
import { TEMPORARY } from '../temporary';
import { imageWith, type Trial } from '../trial';
import { isOpen, namespacesIn, type Rules, type Source, sourcesIn, type Target } from './reach';

const SUBJECT = 'network';

/** What one set of pods found. */
interface Finding {
  readonly open: number;
  readonly refused: number;
  readonly differences: readonly string[];
}

/**
 * Tries every connection between everything, by TCP: from where each set of pods stands, to every port of every pod that
 * runs, the API server and cluster DNS. What the applied NetworkPolicies let through must connect, everything else must
 * not.
 */
export async function tryConnections({ cluster, recorder, manifests }: Trial): Promise<void> {
  const rules: Rules = {
    policies: manifests.filter(({ kind }) => kind === 'NetworkPolicy'),
    namespaces: namespacesIn(manifests),
  };
  const image = imageWith('python3', manifests);
  const targets = await targetsOf(cluster, [...rules.namespaces.keys()]);
  await recorder.check(SUBJECT, 'what is there to connect to', async () => seen(targets, manifests));
  const sources = sourcesIn(manifests);
  // A quota has room for one pod more, not for many: namespaces side by side, sources in a row.
  await Promise.all(
    [...new Set(sources.map(({ namespace }) => namespace))].map((namespace) =>
      withNamespace(cluster, namespace, async () => {
        for (const source of sources.filter((each) => each.namespace === namespace)) {
          await recorder.check(SUBJECT, `${namespace}, as ${source.name}`, async () => {
            const { open, refused, differences } = await probe(cluster, image, rules, source, targets);
            recorder.count('connections probed', targets.length);
            recorder.count('open', open);
            recorder.count('refused', refused);
            recorder.count('differences', differences.length);
            if (differences.length > 0) throw new Error(differences.join('; '));
            return `${targets.length} tried, ${open} open, ${refused} refused, 0 differences`;
          });
        }
      }),
    ),
  );
}

/**
 * A set of pods that is not there would be missing from every attempt; one that listens nowhere is in none.
 * @throws Error where there is such a set
 */
function seen(targets: readonly Target[], manifests: readonly Manifest[]): string {
  const absent = workloadsIn(manifests)
    .filter(({ replicas, pod }) => replicas > 0 && !isSilent(pod))
    .filter(
      ({ manifest, labels }) =>
        !targets.some(
          ({ pods }) =>
            pods !== undefined &&
            pods.namespace === manifest.metadata.namespace &&
            selects({ matchLabels: { ...labels } }, pods.labels),
        ),
    )
    .map(({ manifest: { kind, metadata } }) => `${kind} ${metadata.namespace}/${metadata.name}`);
  if (absent.length > 0) throw new Error(`no pod of ${absent.join(', ')} runs`);
  return `${targets.length} ports`;
}

/** Whether all that is known of a pod listens nowhere. */
function isSilent(pod: PodSpec | undefined): boolean {
  return pod !== undefined && containersOf(pod).every(({ ports = [] }) => ports.length === 0);
}

/**
 * Connects to everything at once; what is not as expected is tried again for a while, for a policy takes a moment to reach
 * a new pod, and a busy network drops packets. Answers with the number of each attempt's outcome.
 */
const SCRIPT = `
import json, socket, sys, time
from concurrent.futures import ThreadPoolExecutor
def connects(target):
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        try:
            s.connect((target[0], target[1]))
            return True
        except OSError:
            return False
targets = json.load(sys.stdin)
end = time.monotonic() + 20
found = [None] * len(targets)
with ThreadPoolExecutor(16) as pool:
    while True:
        left = [i for i, t in enumerate(targets) if found[i] != t[2]]
        if not left or time.monotonic() > end:
            break
        for i, result in zip(left, pool.map(connects, [targets[i] for i in left])):
            found[i] = result
print(json.dumps(found))
`;

async function probe(
  cluster: Cluster,
  image: string,
  rules: Rules,
  source: Source,
  targets: readonly Target[],
): Promise<Finding> {
  const expected = targets.map((target) => isOpen(rules, source, target));
  const input = JSON.stringify(targets.map(({ address, port }, index) => [address, port, expected[index]]));
  const { namespace, labels } = source;
  const found = await standingAt(
    cluster,
    { name: 'try-connections', namespace, image, labels },
    async (place) => JSON.parse(await place.exec(['python3', '-c', SCRIPT], input)) as readonly boolean[],
  );
  const open = found.filter(Boolean).length;
  return {
    open,
    refused: found.length - open,
    differences: targets.flatMap(({ name }, index) => {
      if (found[index] === expected[index]) return [];
      return [
        `${name}: ${found[index] ? 'connects, no policy allows it' : 'does not connect, policies allow it'}`,
      ];
    }),
  };
}

/** Ports of all pods that run in some namespaces, of cluster DNS, and of the API server. */
async function targetsOf(cluster: Cluster, namespaces: readonly string[]): Promise<Target[]> {
  const lists = await Promise.all([
    ...namespaces.map((namespace) => cluster.list('v1', 'Pod', namespace, `!${TEMPORARY}`)),
    cluster.list('v1', 'Pod', 'kube-system', 'k8s-app=kube-dns'),
  ]);
  const slices = await cluster.list(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    'default',
    'kubernetes.io/service-name=kubernetes',
  );
  return [...lists.flat().flatMap(portsOf), ...slices.flatMap(apiServers)];
}

function portsOf(live: Live): Target[] {
  const { phase, podIP } = (live['status'] ?? {}) as { phase?: string; podIP?: string };
  const { name, namespace = '', labels = {} } = live.metadata;
  if (phase !== 'Running' || podIP === undefined) return [];
  return containersOf(spec<PodSpec>(live))
    .flatMap(({ ports = [] }) => ports)
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .map(({ name: portName, containerPort: port }) => ({
      name: `${namespace}/${name}:${port}`,
      address: podIP,
      port,
      portName,
      pods: { namespace, labels },
    }));
}

interface Slice {
  readonly endpoints?: readonly { readonly addresses: readonly string[] }[];
  readonly ports?: readonly { readonly port?: number }[];
}

function apiServers(slice: Live): Target[] {
  const { endpoints = [], ports = [] } = slice as unknown as Slice;
  return endpoints.flatMap(({ addresses }) =>
    addresses.flatMap((address) =>
      ports.flatMap(({ port }) =>
        port === undefined ? [] : [{ name: `API server ${address}:${port}`, address, port }],
      ),
    ),
  );
}

/** Makes a namespace for as long as something is done in it, where it is not there: policies already name it. */
async function withNamespace(cluster: Cluster, name: string, use: () => Promise<void>): Promise<void> {
  const namespace: Manifest = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: { [TEMPORARY]: 'try-connections', 'pod-security.kubernetes.io/enforce': 'restricted' },
    },
  };
  // One that is still going, perhaps of an earlier run, takes no pods.
  while ((await cluster.get(namespace))?.metadata.deletionTimestamp !== undefined) await sleep(1000);
  const isThere = (await cluster.get(namespace)) !== undefined;
  if (!isThere) await cluster.apply(namespace);
  try {
    await use();
  } finally {
    if (!isThere) await cluster.remove(namespace);
  }
}
