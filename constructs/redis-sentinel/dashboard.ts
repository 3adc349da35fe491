import { logsRow, podsRow, probesRow } from '../observability-stack/dashboards/common-rows';
import { dashboard, row } from '../observability-stack/dashboards/dashboard';
import type { Dashboard } from '../observability-stack/dashboards/model';
import { above, below, graph, NONE, see, stat, timeline } from '../observability-stack/dashboards/panels';
import { now, series } from '../observability-stack/dashboards/queries';

export interface RedisDashboardProps {
  readonly purpose: 'cache' | 'sessions';
  readonly members: number;
  /** Share of maxmemory from which on somebody is told. */
  readonly memoryShare: number;
  /** Seconds within which a probe must be answered. */
  readonly latencySeconds: number;
}

const ROLES = {
  0: { text: 'replica', color: 'blue' },
  1: { text: 'master', color: 'green' },
} as const;

/** One group of Redis: who leads, how full it is, how fast it answers. */
export function redisDashboard({
  purpose,
  members,
  memoryShare,
  latencySeconds,
}: RedisDashboardProps): Dashboard {
  const redis = `job="redis/${purpose}-members"`;
  const proxy = `job="redis/${purpose}"`;
  return dashboard(`redis-${purpose}`, {
    about:
      purpose === 'cache'
        ? 'Redis that evicts: what it does not have is computed again. Look at the hit ratio first.'
        : 'Redis that must not lose: sessions outlive a restart. Look at masters, replicas and evictions first.',
    to: [see('logs', { namespace: 'redis' }), see('platform')],
    rows: [
      row('State', [
        stat('Masters', {
          about:
            'Members that say they are the master. 1 is good; 0 is an election (seconds) or an outage; 2 is a split, in which the proxy leads to nobody.',
          unit: 'none',
          bounds: { side: 'below', critical: 1 },
          queries: [now(`sum(redis_instance_info{${redis}, role="master"})`)],
        }),
        stat('Members up', {
          about: `Members that answer their exporter, of ${members}. One less is bearable; a master needs a majority and one replica to take writes.`,
          unit: 'none',
          bounds: below(members, Math.ceil(members / 2)),
          queries: [now(`sum(redis_up{${redis}})`)],
        }),
        stat('Replicas in step', {
          about: `Replicas connected to the master, of ${members - 1}. With none, a master of several refuses writes.`,
          unit: 'none',
          bounds: members > 1 ? below(members - 1, 1) : below(0),
          queries: [now(`max(redis_connected_slaves{${redis}})`)],
        }),
        stat('Servers behind the proxy', {
          about:
            'Masters that the proxies lead to: exactly 1. At 0 clients are refused: no majority of Sentinels agrees on a master.',
          unit: 'none',
          bounds: { side: 'below', critical: 1 },
          queries: [now(`min(haproxy_backend_active_servers{${proxy}, proxy="master"})`)],
        }),
        stat('Memory of maxmemory', {
          about:
            'The fullest member. A cache may be full: it evicts. Sessions that are full throw out who is logged in.',
          unit: 'percentunit',
          max: 1,
          bounds: above(memoryShare),
          queries: [now(`max(redis_memory_used_bytes{${redis}} / redis_memory_max_bytes{${redis}})`)],
          to: [see('capacity')],
        }),
        stat('Evicted in an hour', {
          about:
            purpose === 'cache'
              ? 'Keys thrown out for room. Usual for a full cache; a fast rise with a falling hit ratio asks for more memory.'
              : 'Keys thrown out for room. None is good: each is a session that ended too early.',
          unit: 'none',
          ...(purpose === 'sessions' ? { bounds: NONE } : {}),
          queries: [now(`sum(increase(redis_evicted_keys_total{${redis}}[1h]))`)],
        }),
      ]),
      row('Who leads', [
        timeline('Role of each member', {
          about:
            'The master over time. Each change cut the clients’ connections once; several in a row are a master that cannot stay.',
          unit: 'none',
          states: ROLES,
          queries: [
            series(
              `max by (pod) (redis_instance_info{${redis}, role="master"} or 0 * redis_up{${redis}})`,
              '{{pod}}',
            ),
          ],
        }),
        graph('Replication behind the master', {
          about:
            'Bytes that a replica has not yet confirmed. What lies between is lost where the master crashes now; `WAIT` writes are not.',
          unit: 'bytes',
          queries: [
            series(
              `scalar(max(redis_master_repl_offset{${redis}})) - redis_slave_repl_offset{${redis}}`,
              '{{pod}}',
            ),
          ],
        }),
      ]),
      row('Work', [
        graph('Commands', {
          about: 'Commands a second by member. Writes go to the master only.',
          unit: 'ops',
          stacked: true,
          queries: [
            series(
              `sum by (pod) (rate(redis_commands_processed_total{${redis}}[$__rate_interval]))`,
              '{{pod}}',
            ),
          ],
        }),
        graph('Time per command', {
          about:
            'Time a command takes inside Redis, the slowest five kinds. Milliseconds mean large keys or scans: the whole server waits for each.',
          unit: 's',
          bounds: above(0.01),
          queries: [
            series(
              `topk(5, sum by (cmd) (rate(redis_commands_duration_seconds_total{${redis}}[$__rate_interval])) / sum by (cmd) (rate(redis_commands_total{${redis}}[$__rate_interval])))`,
              '{{cmd}}',
            ),
          ],
          to: [see('traces')],
        }),
        graph('Hit ratio', {
          about:
            'Reads that found their key. Lighthouse’s own rule asks for 0.8; a fall after a restart or failover of a cache is usual and recovers.',
          unit: 'percentunit',
          max: 1,
          ...(purpose === 'cache' ? { bounds: below(0.8) } : {}),
          queries: [
            series(
              `sum(rate(redis_keyspace_hits_total{${redis}}[$__rate_interval])) / (sum(rate(redis_keyspace_hits_total{${redis}}[$__rate_interval])) + sum(rate(redis_keyspace_misses_total{${redis}}[$__rate_interval])))`,
              'hits',
            ),
          ],
          to: [see('bridge')],
        }),
      ]),
      row('Memory and connections', [
        graph('Memory used', {
          about:
            'Data of each member below its maxmemory, which is three quarters of the container’s memory.',
          unit: 'bytes',
          queries: [
            series(`redis_memory_used_bytes{${redis}}`, '{{pod}}'),
            series(`max(redis_memory_max_bytes{${redis}})`, 'maxmemory'),
          ],
          to: [see('capacity')],
        }),
        graph('Clients', {
          about:
            'Connections to each member, and those that come by the proxies. A rise without more traffic is a pool that does not close.',
          unit: 'none',
          queries: [
            series(`redis_connected_clients{${redis}}`, '{{pod}}'),
            series(`sum(haproxy_frontend_current_sessions{${proxy}, proxy="redis"})`, 'by the proxies'),
          ],
        }),
        graph('Evicted and expired', {
          about: 'Keys a second that were thrown out for room, and that ended in their time.',
          unit: 'cps',
          queries: [
            series(`sum(rate(redis_evicted_keys_total{${redis}}[$__rate_interval]))`, 'evicted'),
            series(`sum(rate(redis_expired_keys_total{${redis}}[$__rate_interval]))`, 'expired'),
          ],
        }),
      ]),
      probesRow(`redis-${purpose}`, latencySeconds),
      podsRow({ namespace: 'redis', pods: `${purpose}-.*`, claims: `data-${purpose}-members-.*` }),
      logsRow('redis', `${purpose}-.*`),
    ],
  });
}
