import { KUBELET_CIDR, MESH_NAMESPACE } from '../../constructs/platform/mesh';
import { containersOf } from '../../constructs/platform/workloads';
import type { Finding } from '../guarantee';
import { covers, type Opening, selecting } from '../policy';
import type { Demand } from './policy';
import { nameOf, type World } from './world';

/** Where less than an identity is asked for, without a declared reason. */
export function lenient({ demands, pods, platform, guests }: World): Finding[] {
  const isStrict = ({ namespace, labels, mode }: Demand): boolean =>
    namespace === MESH_NAMESPACE && labels === undefined && mode === 'STRICT';
  const first = platform.objects.find(({ manifest }) => manifest.kind === 'Namespace');
  const missing =
    demands.some(isStrict) || !first
      ? []
      : [
          {
            path: first.path,
            cause: `nothing demands an identity in the whole mesh: no PeerAuthentication in ${MESH_NAMESPACE} is STRICT for all`,
            remedy: 'build ServiceMesh in the namespace of the mesh',
          },
        ];
  const weak = demands.filter((demand) => {
    const { object, namespace, labels, mode, ports } = demand;
    if (isStrict(demand)) return false;
    const isGuests =
      labels === undefined && guests.has(namespace) && pods.every((source) => source.namespace !== namespace);
    const { outsiders, strangers } = object.connections ?? { outsiders: new Map(), strangers: [] };
    const open = [...outsiders.keys(), ...strangers].map(({ port }) => String(port));
    const isDeclared =
      labels !== undefined && mode === undefined && [...ports.keys()].every((port) => open.includes(port));
    return !isGuests && !isDeclared;
  });
  return [
    ...missing,
    ...weak.map(({ object }) => ({
      path: object.path,
      cause: `PeerAuthentication ${object.manifest.metadata.name} takes what shows no identity where nothing from outside was declared`,
      remedy: 'declare it with connections.allowFromOutside(endpoint, cidrs), which exempts that port alone',
    })),
  ];
}

/** Pods whose policies keep off the kubelet, which comes from an address of its own where there is a mesh. */
export function unprobed({ pods, policies }: World): Finding[] {
  const kubelet: Opening = { cidr: KUBELET_CIDR };
  return pods
    .filter(({ workload: { pod } }) => pod === undefined || containersOf(pod).some(isProbedByNetwork))
    .filter(({ namespace, workload }) =>
      selecting(policies, namespace, workload.labels).every(({ ingress }) =>
        ingress.every((rule) => !covers(rule, kubelet)),
      ),
    )
    .map(({ object }) => ({
      path: object.path,
      cause: `no NetworkPolicy lets the kubelet's probes in to the pods of ${nameOf(object)} from ${KUBELET_CIDR}`,
      remedy: 'let their policy be made by Connections',
    }));
}

type Container = ReturnType<typeof containersOf>[number];

function isProbedByNetwork({ livenessProbe, readinessProbe, startupProbe }: Container): boolean {
  return [livenessProbe, readinessProbe, startupProbe].some((probe) => probe !== undefined && !probe.exec);
}

/** Kinds by which the API server is told to call a Service. */
const CALLED_BY_API_SERVER: ReadonlySet<string> = new Set([
  'APIService',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
]);

/** Services in the mesh that the API server is told to call, without an identity. */
export function uncalled({ platform, namespaces }: World): Finding[] {
  return platform.objects
    .filter(({ manifest }) => CALLED_BY_API_SERVER.has(manifest.kind))
    .flatMap(({ path, manifest }) => {
      const called = [...JSON.stringify(manifest).matchAll(/"service":\{[^}]*"namespace":"([^"]+)"/g)];
      return called
        .filter(([, namespace = '']) => namespaces.has(namespace))
        .map(([, namespace]) => ({
          path,
          cause: `${manifest.kind} ${manifest.metadata.name} has the API server call a Service in namespace ${namespace}, where the mesh refuses it: it shows no identity`,
          remedy: 'let the pods be called from its addresses: connections.allowFromOutside(endpoint, cidrs)',
        }));
    });
}
