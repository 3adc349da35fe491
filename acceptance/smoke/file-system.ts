import { BRIDGE } from '../../constructs/bridge-with-fuse/settings';
import { POINT, VOLUME } from '../../constructs/fuse-mount/settings';
import type { Manifest } from '../../constructs/platform/manifest';
import { containersOf, workloadOf } from '../../constructs/platform/workloads';
import type { Cluster } from '../cluster';
import type { Trial } from '../trial';

/** A container that must see Lighthouse's file system, in each pod of these labels. */
export interface Viewer {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly container: string;
}

/** Every container that the mount spreads to; where it spreads to none, the one that serves it. */
export function viewersIn(manifests: readonly Manifest[]): Viewer[] {
  return manifests.flatMap((manifest) => {
    const workload = workloadOf(manifest);
    const containers = workload?.pod ? containersOf(workload.pod) : [];
    if (!workload || !containers.some(({ name }) => name === BRIDGE.fuse)) return [];
    const receiving = containers.filter(({ name, volumeMounts = [] }) =>
      volumeMounts.some(
        ({ mountPath, mountPropagation }) =>
          name !== BRIDGE.fuse && mountPath === VOLUME.mountPath && mountPropagation === 'HostToContainer',
      ),
    );
    const viewers = receiving.length > 0 ? receiving.map(({ name }) => name) : [BRIDGE.fuse];
    const { namespace = '' } = manifest.metadata;
    return viewers.map((container) => ({ namespace, labels: workload.labels, container }));
  });
}

/** What waits for a file system cannot be killed: it is left behind, with no stream of the session, which would wait for it too. */
const LOOK = `
grep -q ' ${POINT} .* - fuse' /proc/self/mountinfo || { echo 'nothing is mounted at ${POINT}' >&2; exit 1; }
ls ${POINT} > /tmp/acceptance-seen 2>&1 < /dev/null &
for tenth in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  kill -0 $! 2> /dev/null || break
  sleep 0.1
done
kill -0 $! 2> /dev/null && { echo 'the file system does not answer in 3 s' >&2; exit 1; }
wait $! || { cat /tmp/acceptance-seen >&2; exit 1; }
test -s /tmp/acceptance-seen || { echo 'the file system is empty' >&2; exit 1; }
tr '\\n' ' ' < /tmp/acceptance-seen
rm /tmp/acceptance-seen
`;

/** Lighthouse's file system is mounted, and whoever is to read it does, in every pod. */
export async function tryFileSystem({ cluster, recorder, manifests }: Trial): Promise<void> {
  for (const viewer of viewersIn(manifests))
    await recorder.check('file system', `seen by container ${viewer.container} of every pod`, () =>
      seenBy(cluster, viewer),
    );
}

async function seenBy(cluster: Cluster, { namespace, labels, container }: Viewer): Promise<string> {
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const pods = await cluster.list('v1', 'Pod', namespace, selector.join(','));
  const whole = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (whole.length === 0) throw new Error(`no pod with ${selector.join(', ')} runs in ${namespace}`);
  const seen = await Promise.all(
    whole.map(async ({ metadata: { name } }) => {
      const at = ['exec', '-i', '-n', namespace, name, '-c', container, '--', 'sh', '-s'];
      const { status, stdout, stderr } = await cluster.kubectl(at, LOOK);
      if (status !== 0) throw new Error(`${name}: ${stderr.trim() || `ended with status ${status}`}`);
      return `${name}: ${stdout.trim()}`;
    }),
  );
  return seen.join('; ');
}
