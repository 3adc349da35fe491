/** What can be said of a cluster that cannot be. */
interface Values {
  readonly instances: number;
  readonly poolers: number;
  readonly clientConnections: number;
  readonly eventRetentionDays: number;
  readonly backup?: { readonly serverName: string };
  readonly recoverFrom?: { readonly targetTime: string };
  readonly standbyOf?: string;
  readonly lending?: { readonly logins: number };
}

/** What is wrong with the values of a cluster, and what to write instead; undefined where nothing is. */
export function objectionTo(values: Values): string | undefined {
  return GUARDS.map((guard) => guard(values)).find((objection) => objection !== undefined);
}

const GUARDS: readonly ((values: Values) => string | undefined)[] = [
  ({ instances }) =>
    isCount(instances) && instances % 2 === 1
      ? undefined
      : `instances must be 1, or odd and at least 3 to acknowledge on two and lose one, got ${instances}`,
  ...(['poolers', 'clientConnections', 'eventRetentionDays'] as const).map(
    (name) => (values: Values) =>
      isCount(values[name]) ? undefined : `${name} must be at least 1, got ${values[name]}`,
  ),
  ({ lending }) =>
    lending === undefined || isCount(lending.logins)
      ? undefined
      : `lending.logins must be at least 1, got ${lending.logins}; leave lending away to lend none`,
  ({ lending, standbyOf }) =>
    lending && standbyOf !== undefined
      ? 'a standby makes no roles, so it cannot lend logins: remove lending'
      : undefined,
  ({ recoverFrom, standbyOf }) =>
    recoverFrom && standbyOf !== undefined
      ? 'a cluster cannot have both recoverFrom and standbyOf: remove one'
      : undefined,
  ({ backup, recoverFrom, standbyOf }) =>
    !backup && (recoverFrom ?? standbyOf) !== undefined
      ? 'recoverFrom and standbyOf read a bucket: give backup, whose bucket it is'
      : undefined,
  ({ backup, standbyOf }) =>
    backup && standbyOf === backup.serverName
      ? `standbyOf must name the archive of another cluster, got this one's own, "${standbyOf}"`
      : undefined,
  ({ recoverFrom }) =>
    recoverFrom && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(recoverFrom.targetTime)
      ? `targetTime must be UTC as in 2026-01-31T12:00:00Z, got "${recoverFrom.targetTime}"`
      : undefined,
];

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}
