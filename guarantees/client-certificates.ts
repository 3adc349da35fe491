import type { Connections } from '../constructs/platform/connections';
import type { Endpoint } from '../constructs/platform/endpoint';
import { ISSUER } from '../constructs/platform/trust';
import { spec } from '../constructs/platform/workloads';
import type { CertificateSpec } from '../imports/cert-manager.io';
import { type Inventory, inventoryOf, type PodSource } from '../synth/inventory';
import type { PlatformObject } from '../synth/platform';
import { identify, identityOf, referencesOf } from '../synth/references';
import { mounting } from './certificates/holders';
import type { Finding, Guarantee } from './guarantee';

/**
 * Where a port lets nobody in without a certificate, every client that is declared has one to show: of the authority that the
 * port asks for, for use as a client, in a container of each of its pods. Who only looks whether a port is open shows none.
 */
export const clientCertificates: Guarantee = {
  name: 'client certificates',
  check: (platform) => {
    const inventory = inventoryOf(platform);
    const edges = platform.connections.flatMap((client) =>
      [...client.targets]
        .filter(({ clientAuthority }) => clientAuthority !== undefined)
        .map((endpoint) => ({ client, endpoint })),
    );
    const asking = platform.connections.flatMap(({ endpoints }) =>
      endpoints.filter(({ clientAuthority }) => clientAuthority !== undefined),
    );
    return {
      findings: edges.flatMap((edge) => without(edge, inventory)),
      facts: [
        {
          subject: 'ports that ask for a client certificate',
          figure: `${asking.length}; ${edges.length} connections to them, each with one`,
        },
      ],
    };
  },
};

interface Edge {
  readonly client: Connections;
  readonly endpoint: Endpoint;
}

function without(edge: Edge, inventory: Inventory): Finding[] {
  const { client, endpoint } = edge;
  return inventory.pods
    .filter((source) => source.object.connections === client && !shows(source, edge, inventory))
    .map(({ object }) => ({
      path: object.path,
      cause:
        `${identityOf(object.manifest)} connects to ${endpoint.address}, which asks for ${AUTHORITIES[endpoint.clientAuthority ?? 'platform']}, ` +
        'and has none to show',
      remedy: REMEDIES[endpoint.clientAuthority ?? 'platform'],
    }));
}

const AUTHORITIES = {
  platform: 'a client certificate of the platform',
  own: 'a client certificate of its own authority',
} as const;

const REMEDIES = {
  platform: 'mount one, of authority.issue(connections) or authority.client(…)',
  own: 'mount one that the service has signed, or connect to a port that takes the platform’s',
} as const;

/** Kinds whose operator puts certificates into the pods: those that the object names, and those that it signs itself. */
const OPERATED: ReadonlySet<string> = new Set(['Cluster', 'Pooler', 'Prometheus', 'Alertmanager']);

function shows({ object, workload, namespace }: PodSource, edge: Edge, inventory: Inventory): boolean {
  const { kind } = object.manifest;
  // CloudNativePG signs for its own instances and poolers.
  if (edge.endpoint.clientAuthority === 'own' && (kind === 'Cluster' || kind === 'Pooler')) return true;
  return referencesOf(object.manifest).some(({ to }) => {
    const by = inventory.provided.get(to)?.by;
    if (!by || !isFor(by, edge.endpoint)) return false;
    if (OPERATED.has(kind) || !workload.pod) return true;
    const secret = to.slice(identify('Secret', namespace, '').length);
    return mounting(workload.pod, secret).length > 0;
  });
}

/** Whether what an object makes is a certificate that an endpoint takes. */
function isFor({ manifest, connections }: PlatformObject, { owner, clientAuthority }: Endpoint): boolean {
  if (clientAuthority === 'own') return manifest.kind === 'DatabaseRole' && connections === owner;
  if (manifest.kind !== 'Certificate') return false;
  const { usages = [], issuerRef } = spec<CertificateSpec>(manifest);
  return issuerRef.name === ISSUER && usages.includes('client auth');
}
