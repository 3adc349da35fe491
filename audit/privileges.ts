import { deviationsIn } from '../guarantees/privileges';
import { holdsIn, PRIVILEGES } from '../guarantees/privilege-ledger';
import type { Platform } from '../synth/platform';
import { type Section, sortedRows } from './section';

/** A deviation from what every pod, namespace and role must satisfy, with what the ledger says for it. */
export interface Exception {
  /** Whose it is, such as `DaemonSet/node-agents/collector`. */
  readonly object: string;
  readonly control: string;
  readonly detail: string;
  /** Undefined where the ledger has no entry: then it is none, but a finding. */
  readonly reason?: string;
}

/** Every deviation of a platform. */
export function exceptionsIn(platform: Platform): Exception[] {
  const entries = PRIVILEGES.filter((entry) => holdsIn(entry, platform));
  return deviationsIn(platform).map(({ object, control, detail }) => {
    const reason = entries.find((entry) => entry.object === object && entry.control === control)?.reason;
    return { object, control, detail, ...(reason === undefined ? {} : { reason }) };
  });
}

export function privilegesOf(platform: Platform): Section {
  return {
    title: 'Privileges',
    text: 'Everything that deviates from Pod Security `restricted`, a read-only root file system, no token, and roles without wildcards and without reading Secrets. All else satisfies all of it; synth fails on what is not here.',
    columns: ['whose', 'control', 'what', 'reason'],
    rows: sortedRows(
      exceptionsIn(platform).map(({ object, control, detail, reason = 'none: a finding' }) => [
        object,
        control,
        detail,
        reason,
      ]),
    ),
  };
}
