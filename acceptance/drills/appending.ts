import { connectedAt } from '../place';
import { withCertificate } from '../smoke/certificate';
import { eventStoresIn, SQL } from '../smoke/postgres';
import type { Trial } from '../trial';
import { writingWhile } from './drill';

/** Events are appended by way of the pooler, and a session with the primary is kept, while something is done. */
export async function appendingDuring(trial: Trial, what: string, act: () => Promise<void>): Promise<void> {
  const [store] = eventStoresIn(trial.manifests);
  if (!store) return act();
  await trial.recorder.check(`PostgreSQL ${store.name}`, what, () =>
    withCertificate(trial.cluster, store, () =>
      connectedAt(
        trial.cluster,
        { ...store.standing, name: 'client-of-sessions' },
        store.goals,
        async (place) => {
          const { readWrite, pooled = readWrite } = store.hosts;
          const prelude = `${SQL}
(printf '%s\\n' 'SELECT pg_backend_pid() \\watch 1' | sql writer ${readWrite}) > /tmp/session 2>&1 &`;
          const written = await writingWhile(
            place,
            prelude,
            `append ${pooled} "rotation:$(date +%s):$N"`,
            act,
          );
          const processes = await place.run('sort -u /tmp/session | grep -c .');
          const answers = await place.run('grep -c . /tmp/session');
          if (processes !== '1')
            throw new Error(`the session was cut: ${await place.run('tail -n 2 /tmp/session')}`);
          return `${written.acknowledged.length} appended, none for ${written.longestPause.toFixed(1)} s; one session, ${answers} answers`;
        },
      ),
    ),
  );
}
