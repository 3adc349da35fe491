import type { Cluster } from './cluster';

/** Who asks, as the API server is told it. */
export interface Requester {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Something that may be done or not. */
export interface Action {
  readonly verb: string;
  /** API group; the core's has no name. */
  readonly group: string;
  /** Resource, with its subresource after a slash. */
  readonly resource: string;
  /** Undefined for the whole cluster. */
  readonly namespace?: string;
  /** One object; all of a resource where there is none. */
  readonly name?: string;
}

/** Questions on their way to the API server at a time. */
const AT_ONCE = 8;

/** How the API server knows a service account. */
export function serviceAccount(namespace: string, name: string): Requester {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

/** Asks the API server, as `kubectl auth can-i --as --as-group` does, and tells each answer as it comes. */
export async function review<T extends Action>(
  cluster: Cluster,
  questions: readonly T[],
  requester: (question: T) => Requester,
  tell: (question: T, isAllowed: boolean) => void,
): Promise<void> {
  const queue = questions.values();
  const ask = async (): Promise<void> => {
    for (const question of queue) {
      const { verb, group, resource, namespace, name } = question;
      const [plural = '', subresource] = resource.split('/');
      const resourceAttributes = { verb, group, resource: plural, subresource, name, namespace };
      const { body } = await cluster.request<{ status: { allowed: boolean } }>(
        'POST',
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        {
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SubjectAccessReview',
            spec: { ...requester(question), resourceAttributes },
          },
        },
      );
      tell(question, body.status.allowed);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
}
