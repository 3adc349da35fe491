import { isScalar, parseDocument } from 'yaml';
import { formatBytes, formatCores, parseQuantity } from '../constructs/platform/quantity';
import type { Change } from './proposal';

/** Amounts of CPU and memory, as a recommendation states them. */
type Amounts = Partial<Readonly<Record<'cpu' | 'memory', string>>>;

/** What is read of a VerticalPodAutoscaler (autoscaling.k8s.io/v1); fields that nothing was recommended for are missing. */
export interface VerticalPodAutoscaler {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: { readonly targetRef?: { readonly kind: string; readonly name: string } };
  readonly status?: {
    readonly recommendation?: {
      readonly containerRecommendations?: readonly {
        readonly containerName: string;
        readonly target?: Amounts;
        readonly lowerBound?: Amounts;
        readonly upperBound?: Amounts;
      }[];
    };
  };
}

/** A configuration that follows recommendations, and what was not followed. */
export interface RightSized {
  /** The file with new values; everything else in it, comments included, is as it was. */
  readonly text: string;
  readonly changes: readonly Change[];
  /** Recommended containers whose size is a constant of their construct, and values that the file does not have. */
  readonly skipped: readonly string[];
}

/** Containers whose size the configuration sets (`namespace/workload/container`), and the section that does. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  'bridge/bridge/bridge': ['bridge'],
  'postgres/events/postgres': ['postgres'],
  'redis/cache-members/redis': ['redis', 'cache'],
  'redis/sessions-members/redis': ['redis', 'sessions'],
  'object-storage/s3/minio': ['objectStorage'],
  'vector-database/weaviate-members/weaviate': ['vectorDatabase'],
  'vector-database/embeddings/inference': ['vectorDatabase', 'embeddings'],
};

const FORMATS = { cpu: formatCores, memory: formatBytes } as const;

/**
 * The least that is left of a value at once: a recommendation knows the past days only, and what it shrinks too far is
 * killed when it is needed.
 */
const LEAST_LEFT = 0.5;

/**
 * Changes values in the text of an environment's file that lie outside of the bounds of a recommendation; a value between
 * them is good enough, whatever the target.
 */
export function rightSize(text: string, autoscalers: readonly VerticalPodAutoscaler[]): RightSized {
  const document = parseDocument(text);
  const changes: Change[] = [];
  const skipped: string[] = [];
  const edits = new Map<number, { readonly end: number; readonly value: string }>();
  for (const { metadata, spec, status } of autoscalers) {
    for (const recommended of status?.recommendation?.containerRecommendations ?? []) {
      const { containerName, target = {}, lowerBound = {}, upperBound = {} } = recommended;
      const container = `${metadata.namespace}/${spec.targetRef?.name ?? metadata.name}/${containerName}`;
      const section = SECTIONS[container];
      if (!section) {
        skipped.push(`${container}: no value of the configuration sets it`);
        continue;
      }
      for (const resource of ['cpu', 'memory'] as const) {
        const path = [...section, resource];
        const node = document.getIn(path, true);
        if (!isScalar(node) || !node.range) {
          skipped.push(`${container}: there is no ${path.join('.')}`);
          continue;
        }
        const from = String(node.value);
        const to = sized(resource, from, target[resource], lowerBound[resource], upperBound[resource]);
        if (to === from) continue;
        const [start, end] = node.range;
        changes.push({ path: path.join('.'), from, to });
        edits.set(start, { end, value: /^[0-9.]+$/.test(to) ? `'${to}'` : to });
      }
    }
  }
  const last = [...edits].toSorted(([one], [other]) => other - one);
  const edited = last.reduce(
    (before, [start, { end, value }]) => before.slice(0, start) + value + before.slice(end),
    text,
  );
  return { text: edited, changes, skipped };
}

function sized(
  resource: keyof typeof FORMATS,
  from: string,
  target: string | undefined,
  lower = target,
  upper = target,
): string {
  if (target === undefined || lower === undefined || upper === undefined) return from;
  const now = parseQuantity(from);
  if (now >= parseQuantity(lower) && now <= parseQuantity(upper)) return from;
  return FORMATS[resource](Math.max(parseQuantity(target), now * LEAST_LEFT));
}
