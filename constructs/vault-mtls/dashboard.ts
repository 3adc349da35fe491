import { logsRow, podsRow, probesRow } from '../observability-stack/dashboards/common-rows';
import { dashboard, row } from '../observability-stack/dashboards/dashboard';
import type { Dashboard } from '../observability-stack/dashboards/model';
import { above, below, graph, NONE, see, stat, timeline } from '../observability-stack/dashboards/panels';
import { now, series } from '../observability-stack/dashboards/queries';
import { snapshotSeconds, toleranceOf } from './observe';

export interface VaultDashboardProps {
  readonly members: number;
  /** When snapshots are taken, five fields. */
  readonly schedule: string;
  /** Seconds within which a probe must be answered. */
  readonly latencySeconds: number;
}

const JOB = 'job="vault/vault-members"';
const OPEN = { 0: { text: 'sealed', color: 'red' }, 1: { text: 'open', color: 'green' } } as const;
const LEADS = { 0: { text: 'follows', color: 'text' }, 1: { text: 'leads', color: 'blue' } } as const;

/** Mean time of what Vault counts in milliseconds. */
const mean = (metric: string) =>
  `sum by (pod) (rate(vault_${metric}_sum{${JOB}}[$__rate_interval])) / sum by (pod) (rate(vault_${metric}_count{${JOB}}[$__rate_interval]))`;

/** Vault: whether it is open and led, what is asked of it, what it gave out, and whether it could be brought back. */
export function vaultDashboard({ members, schedule, latencySeconds }: VaultDashboardProps): Dashboard {
  const tolerance = toleranceOf(members);
  const audited = (window: string) =>
    `(sum(increase(vault_audit_log_request_failure{${JOB}}[${window}])) + sum(increase(vault_audit_log_response_failure{${JOB}}[${window}])))`;
  return dashboard('vault', {
    about:
      'Who keeps secrets. First: all members open, one of them leads. Then: nothing is refused for want of an audit, and the newest snapshot is young.',
    to: [see('logs', { namespace: 'vault' }), see('platform')],
    rows: [
      row('Now', [
        stat('Members open', {
          about: `Of ${members}. A sealed one gives nobody anything; a majority must be open.`,
          unit: 'none',
          bounds: below(members, Math.ceil(members / 2)),
          queries: [now(`sum(vault_core_unsealed{${JOB}})`)],
        }),
        stat('Leaders', {
          about: 'One. None: no majority, and nothing is read or written.',
          unit: 'none',
          bounds: below(1, 1),
          queries: [now(`sum(vault_core_active{${JOB}})`)],
        }),
        stat('Members to lose', {
          about: `How many may go while a majority is left; ${tolerance} where all are well.`,
          unit: 'none',
          ...(tolerance > 0 ? { bounds: below(tolerance, 1) } : {}),
          queries: [
            now(`min(vault_autopilot_failure_tolerance{${JOB}} and on (pod) vault_core_active{${JOB}} == 1)`),
          ],
        }),
        stat('Not written down', {
          about:
            'Requests in an hour that no audit device took. Whoever asked got an error; look at the disks of the nodes.',
          unit: 'none',
          bounds: NONE,
          queries: [now(audited('1h'))],
        }),
        stat('Leases', {
          about:
            'Tokens and secrets that are given out and not yet over. What only grows is never given back.',
          unit: 'short',
          queries: [now(`max(vault_expire_num_leases{${JOB}})`)],
        }),
        stat('Age of the snapshot', {
          about:
            'How old the newest copy of its storage is; whatever is younger is lost where all members are.',
          unit: 's',
          bounds: above(snapshotSeconds(schedule)),
          queries: [
            now(
              'time() - max(kube_cronjob_status_last_successful_time{namespace="vault", cronjob="vault-snapshots"})',
            ),
          ],
          to: [see('recovery')],
        }),
      ]),
      row('Members', [
        timeline('Open', {
          about:
            'Whether each member is open, as it says itself. One that says nothing for ten minutes is sealed or away.',
          unit: 'none',
          states: OPEN,
          queries: [series(`max by (pod) (vault_core_unsealed{${JOB}})`, '{{pod}}')],
        }),
        timeline('Who leads', {
          about: 'The leader answers; the others pass on to it. It changes with updates, drains and losses.',
          unit: 'none',
          states: LEADS,
          queries: [series(`max by (pod) (vault_core_active{${JOB}})`, '{{pod}}')],
        }),
      ]),
      row('What is asked', [
        graph('Answers', {
          about:
            'Requests a second by the class of their answer. 4xx is a client without rights; 5xx is Vault.',
          unit: 'reqps',
          stacked: true,
          queries: [
            series(
              `sum by (type) (rate(vault_core_response_status_code{${JOB}}[$__rate_interval]))`,
              '{{type}}',
            ),
          ],
        }),
        graph('Time to answer', {
          about:
            'Mean time of a request and of a login, in the leader. A commit on the disk of a majority is in it.',
          unit: 'ms',
          queries: [
            series(mean('core_handle_request'), '{{pod}} requests'),
            series(mean('core_handle_login_request'), '{{pod}} logins'),
          ],
        }),
        graph('Not written down', {
          about: 'Requests in five minutes that no audit device took. None is good.',
          unit: 'none',
          bounds: NONE,
          queries: [series(audited('5m'), 'requests')],
        }),
      ]),
      row('What it keeps', [
        graph('Leases', {
          about: 'Leases that run, and those that Vault gave up revoking: what these gave out is still good.',
          unit: 'short',
          queries: [
            series(`max(vault_expire_num_leases{${JOB}})`, 'running'),
            series(`max(vault_expire_num_irrevocable_leases{${JOB}})`, 'given up'),
          ],
        }),
        graph('Commits', {
          about: 'Mean time in which an entry is on the disks of a majority. Slow disks show here first.',
          unit: 'ms',
          queries: [series(mean('raft_commitTime'), '{{pod}}')],
          to: [see('capacity')],
        }),
        graph('Time of the key outside', {
          about:
            'Mean time of the service that opens members, for each key it decrypts. Nothing where none was asked.',
          unit: 'ms',
          queries: [series(mean('seal_decrypt_time'), '{{pod}}')],
        }),
      ]),
      probesRow('vault', latencySeconds),
      podsRow({ namespace: 'vault', pods: 'vault-.*', claims: 'data-vault-members-.*' }),
      logsRow('vault', 'vault.*'),
    ],
  });
}
