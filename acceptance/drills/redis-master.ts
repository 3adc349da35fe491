import { randomUUID } from 'node:crypto';
import type { Cluster, Live } from '../cluster';
import { connectedAt, type Place } from '../place';
import { withCertificate } from '../smoke/certificate';
import { REDIS, type RedisGroup, redisGroupsIn } from '../smoke/redis';
import type { Trial } from '../trial';
import { kill, lostOf, until, whole, writingWhile } from './drill';

/** Writes that the writer makes in a second, at most: what a file that is synced once a second may lack. */
const WRITES_A_SECOND = 10;

/**
 * Kills the master of each group while a client writes by way of the proxy. What another member confirmed (`WAIT`) is there
 * afterwards. A group of one has nobody to confirm: sessions have on disk what is older than a second, a cache begins
 * empty.
 */
export async function killMaster({ cluster, recorder, manifests }: Trial): Promise<void> {
  for (const group of redisGroupsIn(manifests)) {
    await recorder.check(`Redis ${group.name}`, 'the master is killed', () =>
      withCertificate(cluster, group, () =>
        connectedAt(cluster, group.standing, group.goals, (place) => killedAt(cluster, group, place)),
      ),
    );
  }
}

async function killedAt(cluster: Cluster, group: RedisGroup, place: Place): Promise<string> {
  const run = randomUUID();
  const before = await masterOf(place, group);
  const pod = await podCalled(cluster, group, before);
  let recovery = 0;
  const written = await writingWhile(place, REDIS, writeOf(group, run), async () => {
    await kill(cluster, pod);
    if (group.members > 1)
      await until('another member is master', async () => {
        const now = await masterOf(place, group).catch(() => before);
        return now !== before;
      });
    recovery = await whole(cluster, group.object, pod);
  });
  const lost = lostOf(written, await keptOf(place, group, run));
  if (lost.length > mayLose(group))
    throw new Error(`${lost.length} writes are lost: ${lost.slice(0, 5).join(', ')}`);
  return [
    `${written.acknowledged.length} writes ${group.members > 1 ? 'confirmed' : 'acknowledged by its only member'}`,
    `${lost.length} lost`,
    `none for ${written.longestPause.toFixed(1)} s`,
    `${await masterOf(place, group)} is master`,
    `whole after ${recovery.toFixed(1)} s`,
  ].join(', ');
}

function mayLose({ members, isKept }: RedisGroup): number {
  if (members > 1) return 0;
  return isKept ? WRITES_A_SECOND : Infinity;
}

/** Writes a number under a key of its own; with several members, it counts when another has it. */
function writeOf({ proxy, members }: RedisGroup, run: string): string {
  const set = `SET acceptance:${run}:$N $N EX 3600`;
  return members > 1
    ? `[ "$(printf '%s\\n' "${set}" 'WAIT 1 2000' | redis ${proxy} | tr '\\n' ' ')" = 'OK 1 ' ]`
    : `redis ${proxy} ${set} | grep -qx OK`;
}

async function keptOf(place: Place, { proxy }: RedisGroup, run: string): Promise<string[]> {
  const keys = await place.run(
    `${REDIS}\nredis ${proxy} --scan --pattern 'acceptance:${run}:*' --count 1000`,
  );
  return keys.split('\n').map((key) => key.split(':').at(-1) ?? '');
}

async function masterOf(place: Place, { sentinel, master }: RedisGroup): Promise<string> {
  const host = await place.run(`${REDIS}\nask_sentinel ${sentinel} ${master}`);
  return host.split('.')[0] ?? host;
}

async function podCalled(cluster: Cluster, { namespace }: RedisGroup, name: string): Promise<Live> {
  const pod = await cluster.get({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } });
  if (!pod) throw new Error(`Sentinel names ${name} as master, and there is no such pod in ${namespace}`);
  return pod;
}
