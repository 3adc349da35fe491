import type { Environment } from '../config/schema';
import { table } from './markdown';
import { type Accepted, ACCEPTED } from './score-ledger';
import { withoutHash } from './section';

/** What kube-score has against an object. */
export interface Finding {
  readonly environment: Environment['environment'];
  readonly check: string;
  readonly says: string;
  /** As `Deployment/redis/cache`, without a hash of its content. */
  readonly object: string;
}

/** What `kube-score --output-format json` says, as far as it is read here. */
export type Scorecard = readonly {
  readonly type_meta: { readonly kind: string };
  readonly object_meta: { readonly name: string; readonly namespace?: string };
  readonly checks: readonly {
    readonly check: { readonly id: string };
    readonly grade: number;
    readonly skipped: boolean;
    readonly comments: readonly { readonly summary: string }[] | null;
  }[];
}[];

const FAULTLESS = 10;

/** Environments that there are. */
const NAMES = new Set(ACCEPTED.flatMap(({ environments }) => environments)).size;

/** Everything that is not faultless: what kube-score calls a warning as well. */
export function findingsIn(scorecard: Scorecard, environment: Finding['environment']): Finding[] {
  return scorecard.flatMap(({ type_meta: { kind }, object_meta: { name, namespace = '' }, checks }) =>
    checks
      .filter(({ grade, skipped }) => !skipped && grade < FAULTLESS)
      .flatMap(({ check, comments }) =>
        (comments ?? [{ summary: '' }]).map(({ summary }) => ({
          environment,
          check: check.id,
          says: summary,
          object: withoutHash(`${kind}/${namespace}/${name}`),
        })),
      ),
  );
}

/** Findings that nothing accepts, and what is accepted and not found; each is one line. */
export interface Comparison {
  readonly unexplained: readonly string[];
  readonly stale: readonly string[];
}

export function compare(findings: readonly Finding[], accepted: readonly Accepted[] = ACCEPTED): Comparison {
  const entries = accepted.flatMap(({ checks, says, objects, environments }) =>
    checks.flatMap((check) =>
      objects.flatMap((pattern) =>
        environments.map((environment) => ({ environment, check, says, object: pattern })),
      ),
    ),
  );
  const line = ({ environment, check, says, object }: Finding): string =>
    `${environment}: ${object}: ${says} (${check})`;
  return {
    unexplained: unique(findings.filter((found) => !entries.some((entry) => covers(entry, found))).map(line)),
    stale: entries.filter((entry) => !findings.some((found) => covers(entry, found))).map(line),
  };
}

/** Whether an entry, whose object is a pattern, is about a finding. */
function covers(entry: Finding, found: Finding): boolean {
  return (
    entry.environment === found.environment &&
    entry.check === found.check &&
    entry.says === found.says &&
    matches(entry.object, found.object)
  );
}

function matches(pattern: string, object: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(object);
}

const unique = (lines: readonly string[]): string[] => [...new Set(lines)].sort();

/** What an auditor reads of it. */
export function scoresPage(): string {
  const rows = ACCEPTED.map(({ checks, says, objects, environments, reason }) => [
    checks.join(', '),
    says,
    objects.join(', ').replace(/^\*$/, 'everything'),
    environments.length === NAMES ? 'everywhere' : environments.join(', '),
    reason,
  ]);
  return `# Scores

What kube-score, a third party's opinion of how pods, Services and policies should be, has against the manifests: all of its checks, the
optional ones too, over every cluster of every environment. \`npm run test:payloads -- scores\` runs it and fails on a finding that is not in this
table, and on a line of it that nothing brings about any more. Written by \`npm run audit\` from \`audit/score-ledger.ts\`: do not edit.

It reads Deployments, StatefulSets, DaemonSets, Jobs, CronJobs, Services and policies; what operators make of their own kinds
(PostgreSQL, PgBouncer, Prometheus, Rollouts) it does not know. The guarantees do.

${table(['check', 'says', 'of', 'where', 'why it stays'], rows)}

## No conftest

Conftest runs policies in Rego over files. What would be written in it is here already, nearer to what is true: the guarantees see the
whole platform, with its connections, and not one file at a time; the admission policies ([why](../decisions/admission.md)) are judged by the
API server itself, in production too, and not only before. A third language for the same rules would be one more place for them to differ, and its
program takes 27 minutes of a CPU to build.
`;
}
