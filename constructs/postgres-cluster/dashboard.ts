import { logsRow, podsRow, probesRow } from '../observability-stack/dashboards/common-rows';
import { dashboard, row } from '../observability-stack/dashboards/dashboard';
import type { Dashboard } from '../observability-stack/dashboards/model';
import { above, below, graph, see, stat, table, timeline } from '../observability-stack/dashboards/panels';
import { now, rows, series } from '../observability-stack/dashboards/queries';

export interface PostgresDashboardProps {
  readonly instances: number;
  /** Connections that the server accepts. */
  readonly maxConnections: number;
  /** Share of them from which on somebody is told. */
  readonly connectionShare: number;
  /** Seconds that a standby may lag. */
  readonly lagSeconds: number;
  /** Seconds that may pass between two archived segments: the recovery point. */
  readonly recoveryPointSeconds: number;
  /** Seconds within which a probe must be answered. */
  readonly latencySeconds: number;
}

const ROLES = {
  0: { text: 'primary', color: 'green' },
  1: { text: 'standby', color: 'blue' },
} as const;

/** The event store: who is primary, whether what is acknowledged is safe, and how fast it is. */
export function postgresDashboard(props: PostgresDashboardProps): Dashboard {
  const { instances, maxConnections, connectionShare, lagSeconds, recoveryPointSeconds, latencySeconds } =
    props;
  const pg = 'job="postgres/events"';
  const pool = 'job="postgres/events-pool"';
  const rate = (metric: string, by = 'pod') => `sum by (${by}) (rate(${metric}{${pg}}[$__rate_interval]))`;
  return dashboard('postgres', {
    about:
      'The event store. First: is there a primary, do standbys confirm, is the log archived. Then: connections, locks, and what is slow.',
    to: [see('logs', { namespace: 'postgres' }), see('recovery')],
    rows: [
      row('State', [
        stat('Primaries', {
          about:
            'Instances that take writes: 1. At 0 a failover is under way (some ten seconds) or blocked: see the operator’s log and the quorum.',
          unit: 'none',
          bounds: { side: 'below', critical: 1 },
          queries: [now(`count(cnpg_pg_replication_in_recovery{${pg}} == 0)`)],
        }),
        stat('Instances up', {
          about: `Instances whose PostgreSQL answers, of ${instances}. With one less, the next loss stops writes.`,
          unit: 'none',
          bounds: below(instances, Math.ceil(instances / 2)),
          queries: [now(`sum(cnpg_collector_up{${pg}})`)],
        }),
        stat('Standbys that stream', {
          about: `Standbys connected to the primary, of ${instances - 1}. With none, commits wait for ever: what is acknowledged must lie on two.`,
          unit: 'none',
          bounds: instances > 1 ? below(instances - 1, 1) : below(0),
          queries: [now(`max(cnpg_pg_replication_streaming_replicas{${pg}})`)],
        }),
        stat('Replication lag', {
          about: 'The slowest standby. Reads there are this old; a failover to it replays as much first.',
          unit: 's',
          bounds: above(lagSeconds),
          queries: [now(`max(cnpg_pg_replication_lag{${pg}})`)],
        }),
        stat('Connections of the limit', {
          about: `Connections of ${maxConnections}. At the limit clients are refused; the pooler keeps applications far below it.`,
          unit: 'percentunit',
          max: 1,
          bounds: above(connectionShare),
          queries: [
            now(
              `max(sum by (pod) (cnpg_backends_total{${pg}}) / on (pod) max by (pod) (cnpg_pg_settings_setting{${pg}, name="max_connections"}))`,
            ),
          ],
          to: [see('capacity')],
        }),
        stat('Since the last archived log', {
          about:
            'Age of the newest log segment in the archive: what a loss of the whole cluster would lose. Below the recovery point is good.',
          unit: 's',
          bounds: above(recoveryPointSeconds / 2, recoveryPointSeconds),
          queries: [now(`min(cnpg_pg_stat_archiver_seconds_since_last_archival{${pg}} >= 0)`)],
          to: [see('recovery')],
        }),
      ]),
      row('Replication', [
        timeline('Role of each instance', {
          about: 'The primary over time. Each change was a failover or a switchover.',
          unit: 'none',
          states: ROLES,
          queries: [series(`max by (pod) (cnpg_pg_replication_in_recovery{${pg}})`, '{{pod}}')],
        }),
        graph('Lag of the standbys', {
          about:
            'Seconds until a standby has written, flushed and replayed. Commits wait for the flush of one of them.',
          unit: 's',
          bounds: above(lagSeconds),
          queries: ['write', 'flush', 'replay'].map((step) =>
            series(
              `max by (application_name) (cnpg_pg_stat_replication_${step}_lag_seconds{${pg}})`,
              `{{application_name}} ${step}`,
            ),
          ),
        }),
        graph('Log kept for slots', {
          about:
            'Log that replication slots hold back. It grows while a standby is away, and fills the log volume if that one never returns.',
          unit: 'bytes',
          queries: [
            series(`max by (slot_name) (cnpg_pg_replication_slots_pg_wal_lsn_diff{${pg}})`, '{{slot_name}}'),
          ],
          to: [see('capacity')],
        }),
      ]),
      row('Work', [
        graph('Transactions', {
          about:
            'Commits and rollbacks a second. Rollbacks of more than a few in a hundred are errors of a client.',
          unit: 'ops',
          queries: [
            series(`sum(rate(cnpg_pg_stat_database_xact_commit{${pg}}[$__rate_interval]))`, 'commits'),
            series(`sum(rate(cnpg_pg_stat_database_xact_rollback{${pg}}[$__rate_interval]))`, 'rollbacks'),
          ],
          to: [see('bridge')],
        }),
        graph('Rows', {
          about:
            'Rows a second that were inserted, changed and deleted. The event store only appends: changes belong to its upkeep.',
          unit: 'cps',
          queries: [
            series(rate('cnpg_pg_stat_database_tup_inserted', 'datname'), '{{datname}} inserted'),
            series(rate('cnpg_pg_stat_database_tup_updated', 'datname'), '{{datname}} changed'),
            series(rate('cnpg_pg_stat_database_tup_deleted', 'datname'), '{{datname}} deleted'),
          ],
        }),
        graph('Read from memory', {
          about: 'Blocks found in shared buffers. Below 0.9 for long, the working set does not fit any more.',
          unit: 'percentunit',
          max: 1,
          bounds: below(0.9),
          queries: [
            series(
              `sum by (pod) (rate(cnpg_pg_stat_database_blks_hit{${pg}}[$__rate_interval])) / (sum by (pod) (rate(cnpg_pg_stat_database_blks_hit{${pg}}[$__rate_interval])) + sum by (pod) (rate(cnpg_pg_stat_database_blks_read{${pg}}[$__rate_interval])))`,
              '{{pod}}',
            ),
          ],
          to: [see('capacity')],
        }),
      ]),
      row('Connections and locks', [
        graph('Connections by state', {
          about:
            'Idle in transaction for long is a client that forgot to commit: it holds locks and old rows.',
          unit: 'none',
          stacked: true,
          queries: [series(`sum by (state) (cnpg_backends_total{${pg}})`, '{{state}}')],
        }),
        graph('Longest transaction', {
          about:
            'The oldest open transaction by user. Minutes are an application’s mistake, except in a backup.',
          unit: 's',
          queries: [series(`max by (usename) (cnpg_backends_max_tx_duration_seconds{${pg}})`, '{{usename}}')],
          to: [see('traces')],
        }),
        graph('Waiting for locks', {
          about: 'Backends that wait for another’s lock, and deadlocks in five minutes. None is good.',
          unit: 'none',
          bounds: above(1),
          queries: [
            series(`sum by (pod) (cnpg_backends_waiting_total{${pg}})`, '{{pod}} waiting'),
            series(`sum(increase(cnpg_pg_stat_database_deadlocks{${pg}}[5m]))`, 'deadlocks'),
          ],
        }),
      ]),
      row('Pooler', [
        graph('Clients', {
          about:
            'Clients with a server connection, and those that wait for one. Waiting is brief; a queue that stays is a pool that is too small.',
          unit: 'none',
          queries: [
            series(`sum(cnpg_pgbouncer_pools_cl_active{${pool}})`, 'served'),
            series(`sum(cnpg_pgbouncer_pools_cl_waiting{${pool}})`, 'waiting'),
          ],
        }),
        graph('Longest wait', {
          about:
            'How long the first in the queue has waited for a server connection. Parts of a second are good.',
          unit: 's',
          bounds: above(1),
          queries: [series(`max by (pod) (cnpg_pgbouncer_pools_maxwait{${pool}})`, '{{pod}}')],
        }),
        graph('Server connections', {
          about:
            'Connections to PostgreSQL by use. All active and none idle, together with waiting clients: the pool is the bottleneck.',
          unit: 'none',
          stacked: true,
          queries: [
            series(`sum(cnpg_pgbouncer_pools_sv_active{${pool}})`, 'active'),
            series(`sum(cnpg_pgbouncer_pools_sv_idle{${pool}})`, 'idle'),
            series(`sum(cnpg_pgbouncer_pools_sv_used{${pool}})`, 'used'),
          ],
        }),
      ]),
      row('Log and storage', [
        graph('Archiving', {
          about:
            'Segments archived and failed in five minutes. A failure that repeats fills the log volume, and backups have a hole.',
          unit: 'none',
          queries: [
            series(`sum(increase(cnpg_pg_stat_archiver_archived_count{${pg}}[5m]))`, 'archived'),
            series(`sum(increase(cnpg_pg_stat_archiver_failed_count{${pg}}[5m]))`, 'failed'),
          ],
          to: [see('recovery')],
        }),
        graph('Segments that wait to be archived', {
          about:
            'More than a few for minutes: the archive is slower than the log grows, or it cannot be reached.',
          unit: 'none',
          bounds: above(10),
          queries: [
            series(`max by (pod) (cnpg_collector_pg_wal_archive_status{${pg}, value="ready"})`, '{{pod}}'),
          ],
          to: [see('recovery')],
        }),
        table('Databases', {
          about:
            'Size of each database, and how far its oldest row is from the wraparound at 2.1 billion transactions.',
          unit: 'none',
          queries: [
            rows(`max by (datname) (cnpg_pg_database_size_bytes{${pg}})`),
            rows(`max by (datname) (cnpg_pg_database_xid_age{${pg}})`),
          ],
          columns: {
            datname: 'Database',
            'Value #B': { name: 'Age in transactions', unit: 'short' },
            'Value #A': { name: 'Size', unit: 'bytes' },
          },
          to: [see('capacity')],
        }),
      ]),
      probesRow('postgres.*', latencySeconds),
      podsRow({ namespace: 'postgres', pods: 'events-.*', claims: 'events-.*' }),
      logsRow('postgres', 'events.*'),
    ],
  });
}
