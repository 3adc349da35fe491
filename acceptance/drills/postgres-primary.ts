import { randomUUID } from 'node:crypto';
import type { Cluster, Live } from '../cluster';
import { connectedAt } from '../place';
import { withCertificate } from '../smoke/certificate';
import { type EventStore, eventStoresIn, SQL } from '../smoke/postgres';
import type { Trial } from '../trial';
import { kill, lostOf, podsOf, until, whole, writingWhile } from './drill';

/**
 * Kills the primary while a client appends events by way of the pooler. With one instance, it comes back; with several,
 * another takes over. Either way every event that was acknowledged is there.
 */
export async function killPrimary({ cluster, recorder, manifests }: Trial): Promise<void> {
  for (const store of eventStoresIn(manifests)) {
    await recorder.check(`PostgreSQL ${store.name}`, 'the primary is killed', () =>
      withCertificate(cluster, store, () =>
        connectedAt(cluster, { ...store.standing, name: 'writer-of-events' }, store.goals, async (place) => {
          const run = randomUUID();
          const { pooled = store.hosts.readWrite } = store.hosts;
          const primary = await primaryOf(cluster, store);
          let recovery = 0;
          const written = await writingWhile(place, SQL, `append ${pooled} "${run}:$N"`, async () => {
            await kill(cluster, primary);
            if (store.instances > 1)
              await until('another instance is primary', async () => {
                const now = await primaryOf(cluster, store).catch(() => primary);
                return now.metadata.name !== primary.metadata.name;
              });
            recovery = await whole(cluster, store.object, primary);
          });
          const there = await place.run(
            `${SQL}\nsql reader ${store.hosts.readWrite} -c "SELECT split_part(event_id, ':', 2) FROM events WHERE event_id LIKE '${run}:%'"`,
          );
          const lost = lostOf(written, there.split('\n'));
          if (lost.length > 0)
            throw new Error(`${lost.length} acknowledged events are lost: ${lost.slice(0, 5).join(', ')}`);
          const successor = await primaryOf(cluster, store);
          return [
            `${written.acknowledged.length} events acknowledged, 0 lost`,
            `no append for ${written.longestPause.toFixed(1)} s`,
            `${successor.metadata.name} is primary`,
            `whole after ${recovery.toFixed(1)} s`,
          ].join(', ');
        }),
      ),
    );
  }
}

/**
 * The pod that the operator calls the primary.
 * @throws Error where there is none, as between two primaries
 */
async function primaryOf(cluster: Cluster, { name, namespace }: EventStore): Promise<Live> {
  const [primary] = await podsOf(cluster, namespace, {
    'cnpg.io/cluster': name,
    'cnpg.io/instanceRole': 'primary',
  });
  if (!primary) throw new Error(`${namespace}/${name} has no primary`);
  return primary;
}
