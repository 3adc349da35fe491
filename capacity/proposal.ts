import type { Environment } from '../config/schema';
import { wholeDays } from '../constructs/platform/duration';
import { parseQuantity } from '../constructs/platform/quantity';
import { Need, needOf, Step } from './plan';

/** One value of the configuration that has to become another. */
export interface Change {
  /** As in `clusters[0].nodes.count`. */
  readonly path: string;
  readonly from: string | number;
  readonly to: string | number;
}

/** What a load needs of an environment, and the environment that gives it. */
export interface Proposal {
  readonly need: Need;
  readonly changes: readonly Change[];
  readonly environment: Environment;
}

const GIB = 2 ** 30;

/** What is left free on nodes for what Kubernetes itself runs there, and for the unevenness of packing. */
const NODE_SHARE = 0.85;

/** How an environment must change to carry a step of the plan, grown by a part of itself. Nothing is ever made smaller. */
export function proposalFor(environment: Environment, step: Step, growth: number): Proposal {
  const need = needOf(step, growth, wholeDays(environment.postgres.eventRetention));
  const changes: Change[] = [];
  const raise = <T extends string | number>(path: string, from: T, enough: boolean, to: T): T => {
    if (enough) return from;
    changes.push({ path, from, to });
    return to;
  };
  const quantity = (path: string, from: string, least: number, format: (least: number) => string): string =>
    raise(path, from, parseQuantity(from) >= least, format(least));

  const { budgets, postgres } = environment;
  const clusters = environment.clusters.map((cluster, index) => {
    const { nodes, zones } = cluster;
    const count = nodesFor(need, nodes, zones.length);
    const path = `clusters[${index}].nodes.count`;
    return { ...cluster, nodes: { ...nodes, count: raise(path, nodes.count, nodes.count >= count, count) } };
  });
  return {
    need,
    changes,
    environment: {
      ...environment,
      clusters,
      budgets: {
        ...budgets,
        cpu: quantity('budgets.cpu', budgets.cpu, need.cores, (least) => String(Math.ceil(least))),
        memory: quantity('budgets.memory', budgets.memory, need.memory, gibibytes),
      },
      postgres: {
        ...postgres,
        clientConnections: raise(
          'postgres.clientConnections',
          postgres.clientConnections,
          postgres.clientConnections >= need.connections,
          need.connections,
        ),
        storage: quantity('postgres.storage', postgres.storage, need.storage, gibibytes),
      },
    },
  };
}

/** Nodes that hold the load when one zone is gone, as many in every zone. */
function nodesFor(
  need: Need,
  { cpu, memory }: Environment['clusters'][number]['nodes'],
  zones: number,
): number {
  const left = Math.max(
    need.cores / (parseQuantity(cpu) * NODE_SHARE),
    need.memory / (parseQuantity(memory) * NODE_SHARE),
  );
  if (zones === 1) return Math.ceil(left);
  return Math.ceil(left / (zones - 1)) * zones;
}

function gibibytes(bytes: number): string {
  return `${Math.ceil(bytes / GIB)}Gi`;
}
