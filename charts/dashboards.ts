import { bridgeDashboard } from '../constructs/bridge-with-fuse/dashboard';
import { edgeDashboard } from '../constructs/bridge-edge/dashboard';
import type { BridgeEdge } from '../constructs/bridge-edge';
import { BRIDGE_LIMITS } from '../constructs/bridge-with-fuse/settings';
import { LIFETIMES } from '../constructs/certificate-authority';
import { objectStorageDashboard } from '../constructs/object-storage/dashboard';
import type { ObservabilityStack } from '../constructs/observability-stack';
import { businessDashboard } from '../constructs/observability-stack/dashboards/business';
import { capacityDashboard } from '../constructs/observability-stack/dashboards/capacity';
import { deliveryDashboard } from '../constructs/observability-stack/dashboards/delivery';
import { logsDashboard } from '../constructs/observability-stack/dashboards/logs';
import { monitoringDashboard } from '../constructs/observability-stack/dashboards/monitoring';
import { objectivesDashboard } from '../constructs/observability-stack/dashboards/objectives';
import { platformDashboard } from '../constructs/observability-stack/dashboards/platform';
import { recoveryDashboard } from '../constructs/observability-stack/dashboards/recovery';
import { HEALTH_CHECK_SECONDS } from '../constructs/observability-stack/dashboards/targets';
import { tracesDashboard } from '../constructs/observability-stack/dashboards/traces';
import { PROMISED } from '../constructs/observability-stack/objectives/objectives';
import { FULL_DAYS } from '../constructs/observability-stack/observe';
import { longestGap } from '../constructs/platform/cron';
import { parseDuration, wholeDays } from '../constructs/platform/duration';
import { parseQuantity } from '../constructs/platform/quantity';
import { postgresDashboard } from '../constructs/postgres-cluster/dashboard';
import { POSTGRES_LIMITS } from '../constructs/postgres-cluster/observe';
import { redisDashboard } from '../constructs/redis-sentinel/dashboard';
import { REDIS_LIMITS } from '../constructs/redis-sentinel/observe';
import { vaultDashboard } from '../constructs/vault-mtls/dashboard';
import { vectorDashboard } from '../constructs/vector-database/dashboard';
import type { Foundation } from './foundation';

/** Every dashboard, with the same limits as the alerts. Comes last: it counts what is probed. */
export function showAll(
  stack: ObservabilityStack,
  { site: { environment }, services }: Foundation,
  edge: BridgeEdge | undefined,
): void {
  const { budgets, observability, postgres, vectorDatabase } = environment;
  const { metrics, alerting, dashboards } = observability;
  const latencySeconds = HEALTH_CHECK_SECONDS;
  const recoveryPointSeconds = parseDuration(environment.targets.recoveryPoint);
  const memory = parseQuantity(budgets.memory);
  const all = [
    platformDashboard({
      memoryBudget: memory,
      services: new Set(stack.declared.services).size,
      latencySeconds,
      renewalDays: LIFETIMES.leaf.renewBefore / 24 / 3,
    }),
    objectivesDashboard(),
    businessDashboard({ euroPerMonth: dashboards.monthlyCost }),
    bridgeDashboard({ ...PROMISED, eventLogBytes: BRIDGE_LIMITS.eventLogBytes, latencySeconds }),
    ...(edge ? [edgeDashboard({ ...environment.edge, ...edge.limits, latencySeconds })] : []),
    postgresDashboard({
      instances: postgres.instances,
      maxConnections: services.postgres.budget.maxConnections,
      connectionShare: POSTGRES_LIMITS.connections,
      lagSeconds: Math.round(recoveryPointSeconds * POSTGRES_LIMITS.lag),
      recoveryPointSeconds,
      latencySeconds,
    }),
    ...(['cache', 'sessions'] as const).map((purpose) =>
      redisDashboard({
        purpose,
        members: services.redis[purpose].members,
        memoryShare: REDIS_LIMITS.memoryShare,
        latencySeconds,
      }),
    ),
    objectStorageDashboard({ engine: environment.objectStorage.engine, latencySeconds }),
    vectorDashboard({
      members: vectorDatabase.members,
      embeddings: vectorDatabase.embeddings.replicas,
      latencySeconds,
    }),
    vaultDashboard({
      members: environment.vault.members,
      schedule: environment.vault.snapshots,
      latencySeconds,
    }),
    logsDashboard(),
    tracesDashboard(PROMISED),
    capacityDashboard({
      budgets: { memory, cores: parseQuantity(budgets.cpu) },
      series: metrics.series,
      fullDays: FULL_DAYS,
    }),
    deliveryDashboard(),
    recoveryDashboard({
      recoveryPointSeconds,
      backupSeconds: longestGap(postgres.backup.schedule),
      retentionDays: wholeDays(postgres.backup.retention),
    }),
    monitoringDashboard({ series: metrics.series, alertmanagers: alerting.alertmanagers }),
  ];
  for (const each of all) stack.dashboard(each);
}
