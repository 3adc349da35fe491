import { join } from 'node:path';
import type { ObservabilityStack } from '.';
import { PrometheusRule } from '../../imports/monitoring.coreos.com';
import { BRIDGE } from '../bridge-with-fuse/settings';
import { LIFETIMES } from '../certificate-authority';
import type { Holes } from '../platform/config-files';
import { parseQuantity } from '../platform/quantity';
import { declaredRules } from './monitoring/declared';
import { BURNS, LEAST_BAD, Objective, OBJECTIVES } from './objectives/objectives';
import { objectiveRules } from './objectives/rules';
import { ARGO_CD, CERT_MANAGER } from './prometheus/foreign-pods';

/** What the configuration planned with; passing it is told before it is felt. */
export interface Plan {
  /** What all pods together may reserve, as Kubernetes quantities. */
  readonly budgets: { readonly cpu: string; readonly memory: string };
  readonly series: number;
  readonly retentionDays: number;
  /** Text of logs in a day, as a quantity. */
  readonly logsPerDay: string;
  readonly spansPerSecond: number;
  readonly alertmanagers: number;
}

/** Services whose owner is who keeps data; all others are the platform's, save Lighthouse itself. */
const DATA = 'postgres|redis-.+|object-storage|vector-database|embeddings';

/** A budget of errors is counted over a month, or over what Prometheus keeps. */
const PERIOD_DAYS = 30;

/** Days before a volume is full at which somebody is told. */
export const FULL_DAYS = 4;

/**
 * Rules about what is no single service: nodes, volumes, certificates, objectives, the plan, and the watching itself.
 * Comes after everything else that is observed: it tells when something of that goes missing.
 */
export function observePlatform(stack: ObservabilityStack, plan: Plan): void {
  const periodDays = Math.min(PERIOD_DAYS, plan.retentionDays);
  const folder = (name: string) => join(__dirname, name);
  stack.alerts('health', folder('health'), { DATA, BRIDGE: BRIDGE.service });
  stack.alerts('objectives', folder('objectives'), burning(periodDays), objectiveRules(periodDays));
  stack.alerts('kubernetes', folder('kubernetes'), {});
  stack.alerts('volumes', folder('volumes'), { FULL_DAYS });
  stack.scrapeOutside(CERT_MANAGER);
  stack.alerts('certificates', folder('certificates'), {
    EXPIRES_SECONDS: (LIFETIMES.leaf.renewBefore * 3600) / 3,
  });
  // Every cluster syncs itself, so there is one in each.
  stack.scrapeOutside(ARGO_CD);
  stack.alerts('delivery', folder('delivery'), {});
  stack.alerts('budget', folder('budget'), {
    MEMORY_BYTES: parseQuantity(plan.budgets.memory),
    CPU_CORES: parseQuantity(plan.budgets.cpu),
    SERIES: plan.series,
    LOG_BYTES: parseQuantity(plan.logsPerDay),
    SPANS_PER_SECOND: plan.spansPerSecond,
  });
  stack.alerts('monitoring', folder('monitoring'), {
    RETENTION_DAYS: plan.retentionDays,
    ALERTMANAGERS: plan.alertmanagers,
  });
  new PrometheusRule(stack, 'Declared', { spec: { groups: [declaredRules(stack.declared)] } });
}

function burning(periodDays: number): Holes {
  const all: readonly (readonly [string, Objective])[] = Object.entries(OBJECTIVES);
  return {
    ...Object.fromEntries(
      Object.entries(BURNS).map(([window, burn]) => [`BURN_${window.toUpperCase()}`, burn]),
    ),
    LEAST_BAD,
    PERIOD_DAYS: periodDays,
    TOLD_ONLY: all.flatMap(([name, { pages = true }]) => (pages ? [] : [name])).join('|'),
  };
}
