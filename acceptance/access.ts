import { ACTORS, type Actor, MATRIX } from '../constructs/access/matrix';
import { BREAK_GLASS, type Person } from '../constructs/access';
import { type Requester, review, serviceAccount } from './access-review';
import type { Cluster } from './cluster';
import type { Finding, Seen } from './report';

/** Groups of people, as the configuration names them. */
export type Groups = Readonly<Record<Person, string>>;

/** Namespace of the account for emergencies. */
const ACCESS = 'access';

function requester(actor: Actor, groups: Groups): Requester {
  if (actor === BREAK_GLASS) return serviceAccount(ACCESS, BREAK_GLASS);
  return { user: 'somebody', groups: [groups[actor], 'system:authenticated'] };
}

/** Asks the API server every cell of the matrix of people, but for what is about a namespace that is not there. */
export async function inspectAccess(cluster: Cluster, groups: Groups): Promise<Seen> {
  const findings: Finding[] = [];
  const there = new Set((await cluster.list('v1', 'Namespace')).map(({ metadata }) => metadata.name));
  const lines = MATRIX.filter(({ namespace }) => namespace === undefined || there.has(namespace));
  const cells = lines.flatMap((line) => ACTORS.map((actor) => ({ ...line, actor })));
  await review(
    cluster,
    cells,
    ({ actor }) => requester(actor, groups),
    ({ actor, what, may }, isAllowed) => {
      if (isAllowed !== may.includes(actor))
        findings.push({ name: actor, message: `${isAllowed ? 'may' : 'may not'} ${what}` });
    },
  );
  const allowed = cells.filter(({ actor, may }) => may.includes(actor)).length;
  return {
    seen: `${allowed} things allowed, ${cells.length - allowed} refused, as the matrix says`,
    findings,
  };
}
