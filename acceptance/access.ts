import { ACTORS, type Actor, type Line, MATRIX } from '../constructs/access/matrix';
import { BREAK_GLASS, type Person } from '../constructs/access';
import type { Cluster } from './cluster';
import type { Finding, Seen } from './report';

/** Groups of people, as the configuration names them. */
export type Groups = Readonly<Record<Person, string>>;

/** Namespace of the account for emergencies. */
const ACCESS = 'access';

/** Who asks, as the API server is told it. */
function requester(
  actor: Actor,
  groups: Groups,
): { readonly user: string; readonly groups: readonly string[] } {
  if (actor !== BREAK_GLASS) return { user: 'somebody', groups: [groups[actor], 'system:authenticated'] };
  return {
    user: `system:serviceaccount:${ACCESS}:${BREAK_GLASS}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${ACCESS}`, 'system:authenticated'],
  };
}

/** Asks the API server every cell of the matrix of people, as `kubectl auth can-i --as --as-group` does. */
export async function inspectAccess(cluster: Cluster, groups: Groups): Promise<Seen> {
  const findings: Finding[] = [];
  const cells = MATRIX.flatMap((line) => ACTORS.map((actor) => ({ line, actor })));
  const queue = cells.values();
  const ask = async (): Promise<void> => {
    for (const { line, actor } of queue) {
      const isAllowed = await may(cluster, line, requester(actor, groups));
      if (isAllowed !== line.may.includes(actor))
        findings.push({ name: actor, message: `${isAllowed ? 'may' : 'may not'} ${line.what}` });
    }
  };
  await Promise.all(Array.from({ length: 8 }, ask));
  const allowed = cells.filter(({ line, actor }) => line.may.includes(actor)).length;
  return {
    seen: `${allowed} things allowed, ${cells.length - allowed} refused, as the matrix says`,
    findings,
  };
}

async function may(
  cluster: Cluster,
  { verb, group, resource, namespace, name }: Line,
  who: ReturnType<typeof requester>,
): Promise<boolean> {
  const [plural = '', subresource] = resource.split('/');
  const { body } = await cluster.request<{ status: { allowed: boolean } }>(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { ...who, resourceAttributes: { verb, group, resource: plural, subresource, name, namespace } },
      },
    },
  );
  return body.status.allowed;
}
