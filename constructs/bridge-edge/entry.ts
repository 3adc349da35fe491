import { TLSRoute } from '../../imports/gateway.networking.k8s.io';
import { Service } from '../../imports/k8s';
import type { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import type { Peer } from '../platform/peer';

/** A load balancer of the cloud's, which keeps clients' addresses. */
export interface LoadBalancerEntry {
  readonly kind: 'load-balancer';
  /** Address blocks (CIDR) of the clients. */
  readonly outside: readonly string[];
}

/** A Gateway of somebody else's, which passes TLS through and says by the PROXY protocol for whom. */
export interface GatewayEntry {
  readonly kind: 'gateway';
  readonly name: string;
  readonly namespace: string;
  /**
   * The one of its listeners.
   * @default - whichever takes the names
   */
  readonly sectionName?: string;
  /**
   * Names by which clients call the edge, besides its domain.
   * @default []
   */
  readonly hostnames?: readonly string[];
  /** Its pods: they alone may say for whom they speak. */
  readonly pods: Pick<Peer, 'namespace' | 'labels'>;
}

/** How clients outside the cluster come in. */
export type EdgeEntry = LoadBalancerEntry | GatewayEntry;

/** What the edge is told of its entry. */
export interface Opened {
  /** Names by which clients call it. */
  readonly hostnames: readonly string[];
  /** The port at which a gateway connects. */
  readonly gateway?: number;
}

/** The port that takes nothing without a header of the PROXY protocol. */
const GATEWAY_PORT = 8443;

const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** Opens the edge to clients outside the cluster; with their own addresses, for limits are by address. */
export function openEntry(https: Endpoint, edge: Connections, domain: string, entry?: EdgeEntry): Opened {
  switch (entry?.kind) {
    case undefined:
      return { hostnames: [domain] };
    case 'load-balancer':
      return behindLoadBalancer(https, edge, domain, entry);
    case 'gateway':
      return behindGateway(edge, domain, entry);
  }
}

function behindLoadBalancer(
  https: Endpoint,
  edge: Connections,
  domain: string,
  { outside }: LoadBalancerEntry,
): Opened {
  const { construct } = edge;
  if (outside.length === 0)
    throw new Error(`${construct.node.path}: a load balancer must be for some address block, got none`);
  edge.allowFromOutside(https, outside);
  new Service(construct, 'Public', {
    metadata: { name: `${objectName(construct)}-public` },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      sessionAffinity: 'ClientIP',
      loadBalancerSourceRanges: [...outside],
      selector: edge.labels,
      ports: [{ name: https.name, port: https.port, targetPort: https.name }],
    },
  });
  return { hostnames: [domain] };
}

function behindGateway(
  edge: Connections,
  domain: string,
  { name, namespace, sectionName, hostnames: others = [], pods }: GatewayEntry,
): Opened {
  const { construct } = edge;
  if (Object.keys(pods.labels).length === 0)
    throw new Error(
      `${construct.node.path}: the pods of gateway ${name} must be told by labels, or every pod in ${pods.namespace} could say that it is anybody`,
    );
  const proxied = edge.listen('proxied', GATEWAY_PORT);
  edge.allowFromStranger(pods, proxied);
  const hostnames = [...new Set([domain, ...others])];
  new TLSRoute(construct, 'Route', {
    metadata: { name: objectName(construct) },
    spec: {
      parentRefs: [
        {
          group: GATEWAY_GROUP,
          kind: 'Gateway',
          name,
          namespace,
          ...(sectionName === undefined ? {} : { sectionName }),
        },
      ],
      hostnames,
      rules: [
        {
          backendRefs: [
            { group: '', kind: 'Service', name: edge.serviceName, port: proxied.port, weight: 1 },
          ],
        },
      ],
    },
  });
  return { hostnames, gateway: proxied.port };
}
