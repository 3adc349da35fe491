import type { Attack } from './attack';
import type { Kubectl } from './api-server';

const CACHE = 'cache-members.redis.svc.cluster.local';

/** Attacks from within a pod that runs, where the network enforces policies. */
export function attacksOnNetwork(kubectl: Kubectl): readonly Attack[] {
  /** Somebody who is already inside a pod of the cache. */
  const inside = (script: string) => () =>
    kubectl(['exec', '-n', 'redis', 'cache-members-0', '-c', 'redis', '--', 'sh', '-c', script]);
  const dial = (host: string, port: number) => inside(`nc -w 3 ${host} ${port} < /dev/null`);
  return [
    {
      name: 'a pod of the cache dials the database',
      means: 'NetworkPolicies of both ends',
      refusal: /timed out|refused/i,
      attempt: dial('events-rw.postgres.svc.cluster.local', 5432),
      permitted: 'it dials a member of its own group',
      control: dial(CACHE, 6379),
    },
    {
      name: 'a pod of the cache dials the sessions, in its own namespace',
      means: 'NetworkPolicies of both ends',
      refusal: /timed out|refused/i,
      attempt: dial('sessions-members.redis.svc.cluster.local', 6379),
      permitted: 'it dials a member of its own group',
      control: dial(CACHE, 6379),
    },
    {
      name: 'a downgrade: Redis is spoken to in plain text by a pod',
      means: 'the server listens for TLS alone',
      refusal: /reset|closed|error/i,
      attempt: inside(`redis-cli -h ${CACHE} -p 6379 ping`),
      permitted: 'the same by TLS, with certificate and password',
      control: inside(`. /config/members.sh; ask probe ${CACHE} 6379 ping | grep -q PONG`),
    },
  ];
}
