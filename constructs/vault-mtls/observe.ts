import { join } from 'node:path';
import type { ObservabilityStack } from '../observability-stack';
import { renderPayload } from '../platform/config-files';
import { longestGap } from '../platform/cron';
import { objectName } from '../platform/names';
import type { VaultMtls } from '.';

/** From where on somebody is told; the dashboard draws the same lines. */
export const VAULT_LIMITS = {
  /** Times as many leases as a day before. */
  leaseGrowth: 2,
  /** Leases that are few, however they grow: services of this platform hold some dozens. */
  leasesFew: 1000,
  /** Snapshots that were due and did not come about. */
  missedSnapshots: 2,
} as const;

/** Members that may be lost while a majority is left. */
export const toleranceOf = (members: number): number => Math.floor((members - 1) / 2);

/** The longest that the newest snapshot may be old, by a schedule of five fields. */
export const snapshotSeconds = (schedule: string): number =>
  longestGap(`0 ${schedule}`) * VAULT_LIMITS.missedSnapshots;

/** What there is to see of Vault, whose snapshots are taken by a schedule. */
export function observeVault(stack: ObservabilityStack, vault: VaultMtls, schedule: string): void {
  const { namespace, construct } = vault.peer.owner;
  stack.scrape(vault);
  stack.logs(vault, { parser: renderPayload(join(__dirname, 'logs.yaml')) });
  // Code 200 where a member that is open answers, whoever leads.
  stack.probe('vault', vault.api, {
    module: 'https',
    path: '/v1/sys/health?standbyok=true&perfstandbyok=true',
  });
  const alerts = join(__dirname, 'alerts');
  stack.alerts('vault', join(alerts, 'members'), {
    JOB: `${namespace}/${objectName(construct)}`,
    TOLERANCE: toleranceOf(vault.size),
    LEASES_FEW: VAULT_LIMITS.leasesFew,
    LEASE_GROWTH: VAULT_LIMITS.leaseGrowth,
  });
  stack.alerts('vault-snapshots', join(alerts, 'snapshots'), {
    NAMESPACE: namespace,
    CRONJOB: `${objectName(vault)}-snapshots`,
    SNAPSHOT_SECONDS: snapshotSeconds(schedule),
  });
}
