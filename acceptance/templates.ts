import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../constructs/platform/manifest';
import type { PodSpec, PodTemplateSpec } from '../imports/k8s';
import { identityOf } from '../synth/references';
import { type Cluster, Refusal } from './cluster';
import type { Finding } from './report';

interface WithTemplate {
  readonly template?: PodTemplateSpec;
  readonly jobTemplate?: { readonly spec: { readonly template: PodTemplateSpec } };
  readonly volumeClaimTemplates?: readonly { readonly metadata?: { readonly name?: string } }[];
}

/** Kinds of Kubernetes' own that make pods. */
const KINDS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob']);

export function makesPods({ kind }: Manifest): boolean {
  return KINDS.has(kind);
}

/** A pod as an object of Kubernetes' own makes it; undefined where it makes none. */
export function podOf(manifest: Manifest): Manifest | undefined {
  if (!makesPods(manifest)) return undefined;
  const { template, jobTemplate, volumeClaimTemplates = [] } = manifest['spec'] as WithTemplate;
  const { metadata, spec } = template ?? jobTemplate?.spec.template ?? {};
  if (!spec) return undefined;
  const claims = volumeClaimTemplates.map(({ metadata: { name = '' } = {} }) => ({
    name,
    persistentVolumeClaim: { claimName: name },
  }));
  const pod: PodSpec = { ...spec, volumes: [...(spec.volumes ?? []), ...claims] };
  const { name, namespace } = manifest.metadata;
  const { labels, annotations } = metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-template`, namespace, labels, annotations },
    spec: pod,
  };
}

/** A new quota refuses everything until it has been reckoned for the first time. */
const QUOTA_SECONDS = 15;

/**
 * Asks the API server for a pod of each object, without keeping it. It admits a Deployment whose pods it will refuse: for
 * their privileges, for want of quota, for a service account that is not there.
 */
export async function refusedPods(cluster: Cluster, manifests: readonly Manifest[]): Promise<Finding[]> {
  const findings = await Promise.all(
    manifests.map(async (manifest) => {
      const pod = podOf(manifest);
      const message = pod && (await refusalOf(cluster, pod));
      return message === undefined
        ? []
        : [{ name: identityOf(manifest), message: `its pods are refused: ${message}` }];
    }),
  );
  return findings.flat();
}

async function refusalOf(cluster: Cluster, pod: Manifest): Promise<string | undefined> {
  for (let tries = 0; ; tries++) {
    try {
      await cluster.request('POST', `/api/v1/namespaces/${pod.metadata.namespace ?? 'default'}/pods`, {
        query: { dryRun: 'All', fieldValidation: 'Strict' },
        body: pod,
      });
      return undefined;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!error.message.includes('status unknown for quota') || tries >= QUOTA_SECONDS * 5)
        return error.message;
      await sleep(200);
    }
  }
}
