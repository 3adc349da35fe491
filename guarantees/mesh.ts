import type { Guarantee } from './guarantee';
import { cutOff, edgesInto, refused, turnedAway, undeclared } from './mesh/edges';
import { unissued } from './mesh/issuer';
import { leftOut, misnamed, strays } from './mesh/membership';
import { lenient, unprobed, uncalled } from './mesh/without-identity';
import { worldOf } from './mesh/world';

/**
 * The mesh lets through the declared connections, no less and no more. Worked out from the manifests as the agents on the nodes
 * read them: all pods are taken in, each is known by the service account that it really runs as, each edge is let in by exactly
 * one rule, and what comes without an identity (from outside the cluster, from the kubelet, from the API server) is either let
 * in where it was declared or not there. Without a mesh: nothing speaks of one.
 */
export const mesh: Guarantee = {
  name: 'mesh',
  check: (platform) => {
    if (!platform.environment.mesh)
      return { findings: strays(platform), facts: [{ subject: 'service mesh', figure: 'none' }] };
    const world = worldOf(platform);
    const edges = platform.connections.flatMap(edgesInto);
    const tcp = edges.filter(({ endpoint }) => endpoint.protocol === 'TCP');
    const outside = platform.connections.flatMap((own) =>
      [...own.outsiders].map((entry) => ({ own, entry })),
    );
    return {
      findings: [
        ...leftOut(world),
        ...world.pods.flatMap(misnamed),
        ...tcp.flatMap((edge) => refused(edge, world)),
        ...tcp.flatMap((edge) => cutOff(edge, world)),
        ...outside.flatMap(({ own, entry: [endpoint, cidrs] }) => turnedAway(own, endpoint, cidrs, world)),
        ...world.admissions.flatMap(undeclared),
        ...lenient(world),
        ...unprobed(world),
        ...uncalled(world),
        ...unissued(platform),
      ],
      facts: [
        { subject: 'sets of pods in the mesh', figure: String(world.pods.length) },
        {
          subject: 'connections let in by identity',
          figure: `${tcp.length}, ${edges.length - tcp.length} more of UDP by NetworkPolicies alone`,
        },
        { subject: 'ports that take what comes from outside the cluster', figure: String(outside.length) },
        {
          subject: 'namespaces of operators in the mesh',
          figure: [...world.guests].sort().join(', ') || 'none',
        },
      ],
    };
  },
};
