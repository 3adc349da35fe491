import { Connections } from '../constructs/platform/connections';
import { MESH_NAMESPACE } from '../constructs/platform/mesh';
import { PlatformNamespaces } from '../constructs/platform-namespaces';
import { guestsOf, ServiceMesh } from '../constructs/service-mesh';
import type { PhaseChart } from './phase-chart';

/**
 * What the mesh needs beyond the connections of the phases, in the first of them.
 * @returns namespaces of operators that the mesh takes in
 */
export function mesh([first, ...others]: readonly [PhaseChart, ...PhaseChart[]]): ReadonlySet<string> {
  const connections = [first, ...others].flatMap((phase) =>
    phase.node.findAll().flatMap((node) => Connections.of(node) ?? []),
  );
  const guests = guestsOf(connections);
  const namespaces = new PlatformNamespaces(first, 'Mesh');
  new ServiceMesh(namespaces.existing(MESH_NAMESPACE), 'mesh', {
    guests: guests.map((name) => namespaces.existing(name)),
  });
  return new Set(guests);
}
