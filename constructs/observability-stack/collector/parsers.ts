import { parse } from 'yaml';
import type { Tenant } from '../loki';

/** One step of the collector's filelog receiver: it changes an entry and hands it on. */
export type Operator = Readonly<Record<string, unknown>> & { readonly type: string };

/** What lines say of themselves is counted, by a condition (OTTL, context `log`) on the entry. */
export interface LogCounter {
  readonly description: string;
  /** Such as `attributes["level"] == "error"`; `body` is the message. Several: any of them. */
  readonly conditions: readonly string[];
}

/** How the lines of the containers of one namespace become fields. */
export interface LogSource {
  readonly namespace: string;
  /** Text of a `logs.yaml`: container name → operators. They set `level` (by a severity parser), `time`, `logger`, `message`. */
  readonly parser: string;
  /** Counters by name, without `_total`: each line of these containers that meets a condition. */
  readonly counters: Readonly<Record<string, LogCounter>>;
  readonly tenant: Tenant;
}

/** The operators of one container. */
export interface ContainerParser {
  readonly namespace: string;
  readonly container: string;
  readonly tenant: Tenant;
  readonly operators: readonly Operator[];
}

/** A container's name in Kubernetes: what else would stand here would end up inside an expression. */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * The parsers of all sources by namespace and container, each once.
 * @throws Error for a file that is no table of lists, and for one container with two different parsers
 */
export function containerParsers(sources: readonly LogSource[]): ContainerParser[] {
  const found = new Map<string, ContainerParser>();
  for (const { namespace, parser, tenant } of sources) {
    for (const [container, operators] of Object.entries(tableOf(parser, namespace))) {
      const key = `${namespace}/${container}`;
      const own = { namespace, container, tenant, operators };
      const other = found.get(key);
      if (other && JSON.stringify(other) !== JSON.stringify(own)) {
        throw new Error(`logs of ${key} have two parsers that differ; write one, for all of its pods`);
      }
      found.set(key, own);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

function tableOf(text: string, namespace: string): Readonly<Record<string, readonly Operator[]>> {
  const table: unknown = parse(text, { merge: true });
  if (typeof table !== 'object' || table === null || Array.isArray(table)) {
    throw new Error(`parser of logs in ${namespace} must be a table of container names`);
  }
  for (const [container, operators] of Object.entries(table)) {
    if (!NAME.test(container) || !Array.isArray(operators) || operators.length === 0) {
      throw new Error(
        `parser of logs in ${namespace}: "${container}" must be a container's name with operators`,
      );
    }
  }
  return table as Readonly<Record<string, readonly Operator[]>>;
}
