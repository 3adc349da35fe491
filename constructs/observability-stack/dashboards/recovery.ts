import { dashboard, row } from './dashboard';
import type { Dashboard } from './model';
import { above, below, graph, NONE, see, stat, table } from './panels';
import { now, rows, series } from './queries';

export interface RecoveryDashboardProps {
  /** What may be lost, seconds. */
  readonly recoveryPointSeconds: number;
  /** Seconds between two base backups. */
  readonly backupSeconds: number;
  /** Days that can be gone back. */
  readonly retentionDays: number;
}

const PG = 'job="postgres/events"';
const LAST = `barman_cloud_cloudnative_pg_io_last_available_backup_timestamp{${PG}}`;
const FIRST = `barman_cloud_cloudnative_pg_io_first_recoverability_point{${PG}}`;

/** Could everything be brought back now, and from when. */
export function recoveryDashboard(props: RecoveryDashboardProps): Dashboard {
  const { recoveryPointSeconds, backupSeconds, retentionDays } = props;
  return dashboard('recovery', {
    about:
      'Could it be brought back now, and to which moment: the log archive, base backups, and the jobs that make backups.',
    to: [see('postgres'), see('object-storage')],
    from: 'now-24h',
    rows: [
      row('Event store', [
        stat('Would be lost now', {
          about: `Age of the newest archived log: what the loss of the cluster would take. ${recoveryPointSeconds / 60} minutes are the promise.`,
          unit: 's',
          bounds: above(recoveryPointSeconds / 2, recoveryPointSeconds),
          queries: [now(`min(cnpg_pg_stat_archiver_seconds_since_last_archival{${PG}} >= 0)`)],
        }),
        stat('Last base backup', {
          about: 'Age of the newest complete backup. Older than two intervals: one was missed.',
          unit: 's',
          bounds: above(1.5 * backupSeconds, 2 * backupSeconds),
          queries: [now(`time() - max(${LAST} > 0)`)],
        }),
        stat('Can go back', {
          about: `How far back a moment can be restored. ${retentionDays} days once the cluster is that old.`,
          unit: 's',
          queries: [now(`time() - min(${FIRST} > 0)`)],
        }),
        stat('Segments that wait', {
          about: 'Log segments not archived yet. More than a few for minutes: the archive is behind.',
          unit: 'none',
          bounds: above(10),
          queries: [now(`max(cnpg_collector_pg_wal_archive_status{${PG}, value="ready"})`)],
        }),
        stat('Failed since a day', {
          about: 'Attempts to archive that failed. One that succeeded after it made it good.',
          unit: 'none',
          decimals: 0,
          bounds: NONE,
          queries: [now(`sum(increase(cnpg_pg_stat_archiver_failed_count{${PG}}[1d]))`)],
        }),
      ]),
      row('Over time', [
        graph('Age of the archive', {
          about: 'A saw below the line. A slope that goes on is an archive that cannot be reached.',
          unit: 's',
          bounds: above(recoveryPointSeconds / 2, recoveryPointSeconds),
          queries: [
            series(`min(cnpg_pg_stat_archiver_seconds_since_last_archival{${PG}} >= 0)`, 'newest log'),
          ],
        }),
        graph('Age of the base backup', {
          about: 'A saw with the period of the schedule.',
          unit: 's',
          bounds: above(2 * backupSeconds),
          queries: [series(`time() - max(${LAST} > 0)`, 'newest backup')],
        }),
      ]),
      row('Jobs', [
        table('Jobs that failed', {
          about: 'Jobs whose last run ended with an error, backups of vectors among them. Empty is good.',
          unit: 'none',
          queries: [rows('max by (namespace, job_name) (kube_job_status_failed > 0)')],
          columns: { namespace: 'Namespace', job_name: 'Job', Value: 'Failed pods' },
          row: see('logs', { namespace: '${__data.fields.Namespace}' }),
        }),
        table('Scheduled jobs', {
          about:
            'Age of the last success of each schedule. Longer than its interval: it failed or never ran.',
          unit: 's',
          queries: [rows('time() - max by (namespace, cronjob) (kube_cronjob_status_last_successful_time)')],
          columns: { namespace: 'Namespace', cronjob: 'Schedule', Value: 'Since its last success' },
        }),
      ]),
      row('Where it lies', [
        graph('Object storage answers', {
          about: 'Whether the store of all backups answers. 1 is good.',
          unit: 'none',
          max: 1,
          bounds: below(1),
          queries: [
            series('min by (service) (probe_success{job="probe", service="object-storage"})', '{{service}}'),
          ],
          to: [see('object-storage')],
        }),
      ]),
    ],
  });
}
