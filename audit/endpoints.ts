import type { ServiceSpec } from '../imports/k8s';
import { spec } from '../constructs/platform/workloads';
import { objectName } from '../constructs/platform/names';
import type { Platform } from '../synth/platform';
import { type Section, sortedRows } from './section';

/** Kinds that lead in from outside by themselves. */
const DOORS: ReadonlySet<string> = new Set(['Ingress', 'Gateway', 'HTTPRoute', 'TCPRoute', 'TLSRoute']);

export function endpointsOf({ connections, objects }: Platform): Section {
  const admitted = connections.flatMap((own) =>
    [...own.outsiders].map(([{ name, port }, cidrs]) => [
      `${own.namespace}/${objectName(own.construct)}`,
      `policy: port ${name} (${port})`,
      cidrs.join(', '),
    ]),
  );
  const doors = objects.flatMap(({ manifest }) => {
    const { kind, metadata } = manifest;
    const name = `${metadata.namespace}/${metadata.name}`;
    if (DOORS.has(kind)) return [[name, kind, 'see the object']];
    if (kind !== 'Service') return [];
    const { type = 'ClusterIP', ports = [], loadBalancerSourceRanges = [] } = spec<ServiceSpec>(manifest);
    if (type === 'ClusterIP' || type === 'ExternalName') return [];
    const numbers = ports.map(({ port }) => port).join(', ');
    return [
      [name, `Service of type ${type}: ${numbers}`, loadBalancerSourceRanges.join(', ') || 'everybody'],
    ];
  });
  return {
    title: 'Exposed endpoints',
    text: 'What clients outside the cluster can reach. Everything else is reached from inside the cluster alone, or by `kubectl port-forward` of somebody who may.',
    columns: ['what', 'by', 'open to'],
    rows: sortedRows([...admitted, ...doors]),
  };
}
