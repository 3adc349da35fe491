import { join } from 'node:path';
import type { ObservabilityStack } from '../observability-stack';
import { renderPayload } from '../platform/config-files';
import { longestGap } from '../platform/cron';
import type { PostgresCluster } from '.';

/** From where on somebody is told; dashboards draw the same lines. */
export const POSTGRES_LIMITS = {
  /** Share of the connections, and of a pooler's clients. */
  connections: 0.9,
  /** Share of the recovery point by which a standby may be behind. */
  lag: 1 / 3,
  /** Base backups that were due and did not come about. */
  missedBackups: 2,
} as const;

/** What there is to see of PostgreSQL. */
export function observePostgres(stack: ObservabilityStack, postgres: PostgresCluster): void {
  const { budget, backup, instances } = postgres;
  stack.scrape(postgres);
  stack.logs(postgres, { parser: renderPayload(join(__dirname, 'logs.yaml')) });
  stack.probe('postgres', postgres.readWrite, { module: 'tcp' });
  stack.probe('postgres', postgres.pooled, { module: 'tcp' });

  const alerts = join(__dirname, 'alerts');
  const recoveryPoint = (backup?.recoveryPointMinutes ?? DEFAULT_RECOVERY_POINT_MINUTES) * 60;
  stack.alerts('postgres', join(alerts, 'members'), {
    LAG_SECONDS: Math.round(recoveryPoint * POSTGRES_LIMITS.lag),
    CONNECTIONS: budget.maxConnections,
    CONNECTIONS_NEAR: Math.floor(budget.maxConnections * POSTGRES_LIMITS.connections),
    POOL_CLIENTS: budget.clientsPerPooler,
    POOL_CLIENTS_NEAR: Math.floor(budget.clientsPerPooler * POSTGRES_LIMITS.connections),
  });
  // A standby of another region has no primary of its own, and archives nothing until it is promoted.
  if (postgres.isStandby) return;
  stack.alerts('postgres-primary', join(alerts, 'primary'), { STANDBYS: instances > 1 ? 1 : 0 });
  if (!backup) return;
  stack.alerts('postgres-archive', join(alerts, 'archive'), {
    RECOVERY_POINT_SECONDS: recoveryPoint,
    // A third of it until a segment is closed, and time to upload it.
    SETTLED_SECONDS: recoveryPoint / 2,
    BACKUP_SECONDS: longestGap(backup.schedule) * POSTGRES_LIMITS.missedBackups,
  });
}

/** Where nothing is archived, nothing says how old data may be: as the bridge's own objective has it. */
const DEFAULT_RECOVERY_POINT_MINUTES = 15;
