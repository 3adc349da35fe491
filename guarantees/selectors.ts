import type { LabelSelector, PodTemplateSpec } from '../imports/k8s';
import { spec } from '../constructs/platform/workloads';
import { inventoryOf, PodSource } from '../synth/inventory';
import type { PlatformObject } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import { GIVEN_NAMESPACES } from './inputs';

/**
 * Every selector selects what it is there for: a workload its own pods, and a Service, a disruption budget or a monitor
 * those of exactly one workload.
 */
export const selectors: Guarantee = {
  name: 'selectors',
  check: (platform) => {
    const { pods } = inventoryOf(platform);
    const selecting = platform.objects.flatMap((object) => {
      const labels = SELECTORS[object.manifest.kind]?.(object);
      return labels ? { object, labels } : [];
    });
    const spread = pods.flatMap((source) => spreading(source).map((selector) => ({ source, selector })));
    return {
      findings: [
        ...pods.flatMap(ownPods),
        ...selecting.flatMap(({ object, labels }) => exactlyOne(object, labels, pods)),
        ...spread.flatMap(({ source, selector }) => spreadsItself(source, selector)),
      ],
      facts: [
        { subject: 'selectors that select one workload each', figure: String(selecting.length) },
        { subject: 'spread constraints that count their own pods', figure: String(spread.length) },
      ],
    };
  },
};

type Labels = Readonly<Record<string, string>>;

/** The kinds that select pods of others, and where they say which; a Service without a selector selects none. */
const SELECTORS: Readonly<Record<string, (object: PlatformObject) => Labels | undefined>> = {
  Service: ({ manifest }) => spec<{ selector?: Labels }>(manifest).selector,
  PodDisruptionBudget: ({ manifest }) => labelsOf(spec<{ selector?: LabelSelector }>(manifest).selector),
  PodMonitor: ({ manifest }) => labelsOf(spec<{ selector?: LabelSelector }>(manifest).selector),
};

/** Anything but labels is not used here, and would have to be read before it could be promised. */
function labelsOf(selector: LabelSelector = {}): Labels {
  return { ...selector.matchLabels, ...(selector.matchExpressions ? { matchExpressions: 'not read' } : {}) };
}

function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function exactlyOne(
  { path, manifest: { kind, metadata } }: PlatformObject,
  labels: Labels,
  pods: readonly PodSource[],
): Finding[] {
  const selected = pods.filter(
    ({ namespace, workload }) => namespace === metadata.namespace && matches(labels, workload.labels),
  );
  // Whose pods others make can be monitored, and what these are is not known here: an alert tells when there are none.
  const isForeign = kind === 'PodMonitor' && GIVEN_NAMESPACES.has(metadata.namespace ?? '');
  if (selected.length === (isForeign ? 0 : 1) && Object.keys(labels).length > 0) return [];
  const names = selected.map(({ object }) => `${object.manifest.kind} ${object.manifest.metadata.name}`);
  return [
    {
      path,
      cause:
        `${kind} ${metadata.namespace}/${metadata.name} selects ${show(labels)}: ` +
        (selected.length === 0 ? 'no pods' : `pods of ${names.join(' and ')}`),
      remedy: 'select connections.labels of one set of pods, whose template carries connections.podLabels',
    },
  ];
}

/** A workload's selector must match its template, or the API server refuses it. */
function ownPods({ object: { path, manifest } }: PodSource): Finding[] {
  const { selector, template } = spec<{ selector?: LabelSelector; template?: PodTemplateSpec }>(manifest);
  const needsSelector = ['Deployment', 'Rollout', 'StatefulSet'].includes(manifest.kind);
  if (!needsSelector) return [];
  const labels = labelsOf(selector);
  const own = template?.metadata?.labels ?? {};
  if (Object.keys(labels).length > 0 && matches(labels, own)) return [];
  return [
    {
      path,
      cause: `${manifest.kind} ${manifest.metadata.name} selects ${show(labels)}, and its pods are ${show(own)}`,
      remedy: 'select connections.labels, and put connections.podLabels on the template',
    },
  ];
}

function spreading({ workload: { manifest, pod } }: PodSource): LabelSelector[] {
  const { topologySpreadConstraints = pod?.topologySpreadConstraints ?? [] } = spec<{
    topologySpreadConstraints?: NonNullable<PodSource['workload']['pod']>['topologySpreadConstraints'];
  }>(manifest);
  return topologySpreadConstraints.map(({ labelSelector = {} }) => labelSelector);
}

function spreadsItself(
  { object: { path, manifest }, workload }: PodSource,
  selector: LabelSelector,
): Finding[] {
  const labels = labelsOf(selector);
  if (Object.keys(labels).length > 0 && matches(labels, workload.labels)) return [];
  return [
    {
      path,
      cause:
        `${manifest.kind} ${manifest.metadata.name} is spread by counting ${show(labels)}, ` +
        `and its pods are ${show(workload.labels)}`,
      remedy: 'count its own pods: spread(connections, …)',
    },
  ];
}

function show(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.join(',') || 'no labels';
}
