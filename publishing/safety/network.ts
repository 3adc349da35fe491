import { covers, describe, type Opening, type Policy, readPolicy, selecting } from '../../guarantees/policy';
import { type Workload, workloadOf } from '../../constructs/platform/workloads';
import type { Printed } from '../../synth/dist';
import { nameOf, withoutHash } from '../changes/changes';
import type { Hazard, Rule } from './rule';

/** The sets of pods and the policies of one side. */
interface Side {
  readonly pods: ReadonlyMap<string, Workload>;
  readonly policies: readonly Policy[];
}

/** A connection that was open, and of which one half is still open: whoever closed the other half forgot it. */
export const lostConnection: Rule = {
  name: 'lost-connection',
  why: 'both ends are still there, and the other half still lets it through: the connection is still meant, and is cut',
  remedy:
    'declare it again with connections.allowTo(endpoint), or take the declaration away, which closes both halves',
  find: ({ before, after, changes }) => {
    if (
      !changes.some((change) =>
        [change.before, change.after].some((side) => side?.manifest.kind === 'NetworkPolicy'),
      )
    )
      return [];
    const [old, fresh] = [sideOf(before), sideOf(after)];
    const stays = [...old.pods].filter(([name]) => fresh.pods.has(name));
    return stays.flatMap(([from, client]) =>
      stays.flatMap(([to, server]) => cut({ from, to, client, server }, old, fresh)),
    );
  },
};

interface Ends {
  readonly from: string;
  readonly to: string;
  readonly client: Workload;
  readonly server: Workload;
}

/** Connections between two sets of pods that lost one half. */
function cut({ from, to, client, server }: Ends, old: Side, fresh: Side): Hazard[] {
  const ports = new Set(
    policiesOf(old, client, 'Egress')
      .flatMap(({ egress }) => egress)
      .flatMap(({ port }) => port ?? []),
  );
  return [...ports].flatMap((port) => {
    const out = (side: Side): readonly Policy[] | undefined =>
      open(policiesOf(side, client, 'Egress'), 'egress', { ...peerOf(server), port });
    const into = (side: Side): readonly Policy[] | undefined =>
      open(policiesOf(side, server, 'Ingress'), 'ingress', { ...peerOf(client), port });
    const [wasOut, wasInto] = [out(old), into(old)];
    if (!wasOut || !wasInto) return [];
    const [isOut, isInto] = [out(fresh), into(fresh)];
    if ((isOut === undefined) === (isInto === undefined)) return [];
    const what = isOut
      ? `no longer lets ${from} in to ${to}, ${port}`
      : `no longer lets ${from} out to ${describe({ ...peerOf(server), port })}`;
    return (isOut ? wasInto : wasOut).map(({ object }) => ({ object: nameOf(object.manifest), what }));
  });
}

/**
 * The policies that let a connection through; none of them where nothing restricts these pods, undefined where it is
 * refused.
 */
function open(
  policies: readonly Policy[],
  half: 'ingress' | 'egress',
  wanted: Opening,
): readonly Policy[] | undefined {
  if (policies.length === 0) return [];
  const letting = policies.filter((policy) => policy[half].some((rule) => covers(rule, wanted)));
  return letting.length > 0 ? letting : undefined;
}

function policiesOf({ policies }: Side, pods: Workload, type: 'Ingress' | 'Egress'): Policy[] {
  const { namespace = '' } = pods.manifest.metadata;
  return selecting(policies, namespace, pods.labels).filter(({ types }) => types.includes(type));
}

function peerOf({ manifest, labels }: Workload): Opening {
  return { namespace: manifest.metadata.namespace ?? '', labels };
}

function sideOf(printed: readonly Printed[]): Side {
  const pods = printed.flatMap(({ manifest }) => {
    const workload = workloadOf(manifest);
    // A Job is the same set of pods whatever the hash in its name.
    return workload ? [[withoutHash(nameOf(manifest)), workload] as const] : [];
  });
  return {
    pods: new Map(pods),
    policies: printed.flatMap(({ manifest, phase, file }) => readPolicy({ manifest, phase, path: file })),
  };
}
