import { type Cluster, type Live, Refusal } from '../../acceptance/cluster';
import type { Manifest } from '../../constructs/platform/manifest';
import type { Container, PodSpec } from '../../imports/k8s';

/** Whoever asks the API server for pods, and keeps none of them. */
export class Asker {
  constructor(
    private readonly cluster: Cluster,
    private readonly pod: Manifest,
  ) {}

  /** A pod with another image wherever it has that of its first container. */
  podWith(image: string, change: (spec: PodSpec) => PodSpec = (spec) => spec): Manifest {
    const spec = this.pod['spec'] as PodSpec;
    const own = spec.containers[0]?.image;
    const changed = (each: Container): Container => (each.image === own ? { ...each, image } : each);
    const containers = spec.containers.map(changed);
    const initContainers = spec.initContainers?.map(changed);
    return { ...this.pod, spec: change({ ...spec, containers, initContainers }) };
  }

  /** The same as the API server would make it. */
  async ask(...asked: Parameters<Asker['podWith']>): Promise<Live> {
    const { body } = await this.cluster.request<Live>(
      'POST',
      `/api/v1/namespaces/${this.pod.metadata.namespace}/pods`,
      { query: { dryRun: 'All' }, body: this.podWith(...asked) },
    );
    return body;
  }

  /** What is said against it; nothing where it is let through. */
  refusal(...asked: Parameters<Asker['ask']>): Promise<string> {
    return saidOf(this.ask(...asked));
  }

  async refused(by: RegExp, ...asked: Parameters<Asker['ask']>): Promise<string> {
    return refusedBy(by, await this.refusal(...asked));
  }

  /** What is said against one container more, to debug with, in a pod that is there. */
  async debugging(pod: Live, image: string): Promise<string> {
    const [container] = (pod['spec'] as PodSpec).containers;
    const own = { name: 'debugger', image, securityContext: container?.securityContext };
    return saidOf(
      this.cluster.request('PATCH', `${await this.cluster.pathOf(pod)}/ephemeralcontainers`, {
        query: { dryRun: 'All' },
        body: { spec: { ephemeralContainers: [own] } },
        contentType: 'application/strategic-merge-patch+json',
      }),
    );
  }
}

/** @throws Error unless what was said is what must be */
export function refusedBy(by: RegExp, said: string): string {
  if (said === '') throw new Error('it is let through');
  if (!by.test(said)) throw new Error(`refused by something else: ${said}`);
  return said;
}

/** The image of a pod's first container. */
export const imageOf = (pod: Manifest): string => (pod['spec'] as PodSpec).containers[0]?.image ?? '';

async function saidOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return '';
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}
