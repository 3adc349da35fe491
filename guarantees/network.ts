import type { Connections } from '../constructs/platform/connections';
import { CLUSTER_DOMAIN, Endpoint } from '../constructs/platform/endpoint';
import { CONFIGURES } from '../constructs/platform/labels';
import { spec } from '../constructs/platform/workloads';
import { Inventory, inventoryOf } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import { referencesOf, identityOf } from '../synth/references';
import type { Finding, Guarantee } from './guarantee';
import { hostsIn } from './hosts';
import { ASKED_BY } from './operators';
import { textsOf } from './texts';

/**
 * Network closure: every host name in anything that a set of pods is configured with leads to an endpoint that exists,
 * on a port that it listens on, along a declared edge. With the network policies, which are the edges, what is
 * configured can be reached.
 */
export const network: Guarantee = {
  name: 'network closure',
  check: (platform) => {
    const world = worldOf(platform);
    const uses = platform.objects.flatMap((object) => usesOf(object, world));
    return {
      findings: unique(uses.flatMap((use) => unreachable(use, world))),
      facts: [
        {
          subject: 'host names in configuration',
          figure: `${new Set(uses.map(({ host }) => host)).size} in ${uses.length} places, each with an edge`,
        },
      ],
    };
  },
};

/** A host name somewhere in what a set of pods is configured with. */
interface Use {
  readonly object: PlatformObject;
  readonly field: string;
  readonly host: string;
  readonly port?: number;
  /** The pods that it concerns. */
  readonly client: Connections;
}

/** Pods that one name leads to: mostly of one set, and of two where one answers for the other. */
interface DeclaredHost {
  readonly owners: Set<Connections>;
  readonly endpoints: Set<Endpoint>;
}

/** What host names mean. */
interface World {
  readonly platform: Platform;
  readonly inventory: Inventory;
  /** What is declared of `name.namespace`. */
  readonly hosts: ReadonlyMap<string, DeclaredHost>;
  /** Objects by the identity of what they name. */
  readonly namedBy: ReadonlyMap<string, readonly PlatformObject[]>;
  /** Objects that pods are made of. */
  readonly podMakers: ReadonlySet<PlatformObject>;
  /** Names of Services, to find those that are not written out. */
  readonly services: ReadonlySet<string>;
}

function worldOf(platform: Platform): World {
  const inventory = inventoryOf(platform);
  const hosts = new Map<string, DeclaredHost>();
  const declare = (host: string, owner: Connections): DeclaredHost => {
    const known = hosts.get(shortened(host)) ?? { owners: new Set(), endpoints: new Set() };
    hosts.set(shortened(host), known);
    known.owners.add(owner);
    return known;
  };
  for (const connections of platform.connections) {
    declare(connections.host, connections);
    for (const endpoint of connections.endpoints) declare(endpoint.host, connections).endpoints.add(endpoint);
  }
  const namedBy = new Map<string, PlatformObject[]>();
  for (const object of platform.objects) {
    for (const { to } of referencesOf(object.manifest)) {
      const known = namedBy.get(to);
      if (known) known.push(object);
      else namedBy.set(to, [object]);
    }
  }
  const services = [...inventory.provided.keys()].flatMap((identity) =>
    identity.startsWith('Service/') ? identity.slice(identity.lastIndexOf('/') + 1) : [],
  );
  const podMakers = new Set(inventory.pods.map(({ object }) => object));
  return { platform, inventory, hosts, namedBy, podMakers, services: new Set(services) };
}

/**
 * Kinds whose strings are for people, for the API server or for Argo CD, and configure no pods. A Certificate says by
 * which names pods are known, and a TLSRoute by which they are asked for, not whom they ask. Whom operators ask is a guarantee of its own.
 */
const SILENT: ReadonlySet<string> = new Set([
  ...Object.keys(ASKED_BY),
  'AppProject',
  'Application',
  'Certificate',
  'CustomResourceDefinition',
  'Namespace',
  'NetworkPolicy',
  'PrometheusRule',
  'TLSRoute',
]);

function usesOf(object: PlatformObject, world: World): Use[] {
  if (SILENT.has(object.manifest.kind)) return [];
  const external = world.platform.environment.objectStorage.external?.host;
  const found = textsOf(object.manifest).flatMap((text) =>
    text.field.startsWith('metadata.')
      ? []
      : hostsIn(text, external, world.services).map((host) => ({ ...host, field: text.field })),
  );
  if (found.length === 0) return [];
  const clients = [...new Set(clientsOf(object, world))];
  return found.flatMap((host) => clients.map((client) => ({ object, client, ...host })));
}

/**
 * The pods that an object configures: its own, or those that it is handed on to, or else those of whatever names it, or else
 * those it is built beside.
 */
function clientsOf(object: PlatformObject, world: World, seen = new Set<PlatformObject>()): Connections[] {
  if (seen.has(object)) return [];
  seen.add(object);
  const own = object.connections ? [object.connections] : [];
  if (world.podMakers.has(object)) return own;
  const configured = object.manifest.metadata.annotations?.[CONFIGURES];
  if (configured !== undefined) {
    const others = world.platform.objects.filter(({ manifest }) => identityOf(manifest) === configured);
    return others.flatMap(({ connections = [] }) => connections);
  }
  const users = world.namedBy.get(identityOf(object.manifest)) ?? [];
  const clients = users.flatMap((user) => clientsOf(user, world, seen));
  return clients.length > 0 ? clients : own;
}

/** `name.namespace`, by which a Service is known whatever a client's search domains are. */
function shortened(host: string): string {
  return host.replace(`.${CLUSTER_DOMAIN}`, '').replace(/\.svc$/, '');
}

function unreachable(use: Use, world: World): Finding[] {
  const { object, field, host, port, client } = use;
  const { kind, metadata } = object.manifest;
  const finding = (what: string, remedy: string): Finding[] => [
    {
      path: object.path,
      cause: `${kind} ${metadata.name}: ${field} names ${host}${port === undefined ? '' : `:${port}`}, ${what}`,
      remedy,
    },
  ];
  const outcome =
    host.endsWith('.svc') || host.includes('.svc.') ? inCluster(use, world) : outside(use, world);
  if (!outcome) return [];
  return finding(outcome[0].replace('CLIENT', client.construct.node.path), outcome[1]);
}

/** What is wrong, and what to do about it. */
type Objection = readonly [what: string, remedy: string];

const API_SERVER = 'kubernetes.default';

function inCluster({ host, port, client }: Use, world: World): Objection | undefined {
  const labels = shortened(host).split('.');
  const service = labels.slice(-2).join('.');
  const prefix = labels.slice(0, -2);
  if (service === API_SERVER) return apiServer(client, world);
  const declared = world.hosts.get(service);
  if (!declared) {
    return [
      'which belongs to no declared endpoint',
      'take host names from an endpoint: endpoint.host, endpoint.address or endpoint.url(scheme)',
    ];
  }
  const [name, namespace] = service.split('.');
  if (!world.inventory.provided.has(`Service/${namespace}/${name}`)) {
    return [
      `and there is no Service ${name} in namespace ${namespace}`,
      'declare a port that the Service serves, with listen; an operator makes Services of names of its own',
    ];
  }
  const nobody = prefix.length > 0 ? noPod(prefix, name ?? '', declared, world) : undefined;
  if (nobody) return nobody;
  const endpoints = [...declared.endpoints];
  const there = endpoints.filter((endpoint) => port === undefined || endpoint.port === port);
  if (there.length === 0) {
    return [
      `which listens on ${endpoints.map((endpoint) => endpoint.port).join(', ') || 'no port'}`,
      'take the port from an endpoint: endpoint.address or endpoint.url(scheme)',
    ];
  }
  if (declared.owners.has(client) || there.some((endpoint) => reaches(client, endpoint))) return undefined;
  const choice = there.map((endpoint) => `${endpoint.name} of ${endpoint.owner.construct.node.path}`);
  return [
    `to which CLIENT has no edge`,
    `declare it: connections.allowTo(…), with endpoint ${choice.join(' or ')}`,
  ];
}

/** Another name for the same port of the same pods is as good: policies know pods, not names. */
function reaches({ reached }: Connections, wanted: Endpoint): boolean {
  return [...reached].some(({ owner, port }) => owner === wanted.owner && port === wanted.port);
}

/** Names before a Service's: of a pod of a StatefulSet, or of a port for SRV records. */
function noPod(
  prefix: readonly string[],
  service: string,
  { owners, endpoints }: DeclaredHost,
  { inventory }: World,
): Objection | undefined {
  const [first = ''] = prefix;
  if (first.startsWith('_')) {
    const isPort = [...endpoints].some(({ name }) => first === `_${name}`);
    return isPort ? undefined : ['and the Service has no port of that name', 'use the name of an endpoint'];
  }
  const sets = inventory.pods.filter(
    ({ object: { connections }, workload }) =>
      connections && owners.has(connections) && workload.manifest.kind === 'StatefulSet',
  );
  const isPod = sets.some(({ workload: { manifest, replicas } }) => {
    const [, name, ordinal] = /^(.*)-(\d+)$/.exec(first) ?? [];
    const governs = spec<{ serviceName?: string }>(manifest).serviceName === service;
    return governs && name === manifest.metadata.name && Number(ordinal) < replicas;
  });
  if (isPod && prefix.length === 1) return undefined;
  const pods = sets.map(
    ({ workload: { manifest, replicas } }) => `${manifest.metadata.name}-0 to -${replicas - 1}`,
  );
  return [
    `but no pod has that name behind the Service; there are ${pods.join(', ') || 'no pods with names'}`,
    'use connections.podHost(ordinal), and name the Service as serviceName of the StatefulSet',
  ];
}

function apiServer({ ranges }: Connections, { platform: { cluster } }: World): Objection | undefined {
  const { cidr, port } = cluster.apiServer;
  if ([...ranges].some((range) => range.cidr === cidr && range.port === port)) return undefined;
  return [
    'the Kubernetes API, to which CLIENT has no edge',
    `declare it: connections.allowToRange with ${cidr}, port ${port} (clusters[].apiServer)`,
  ];
}

function outside({ host, port, client }: Use, { platform, services }: World): Objection | undefined {
  const { objectStorage, domain } = platform.environment;
  const { external } = objectStorage;
  if (host === domain || host.endsWith(`.${domain}`)) return undefined;
  if (services.has(host)) {
    return ['a Service by a short name', 'write names out to the end: endpoint.host or endpoint.url(scheme)'];
  }
  const isStorage = host === external?.host;
  if (isStorage && port !== undefined && port !== external.port) {
    return [`which listens on ${external.port}`, 'take the port from objectStorage.external'];
  }
  const isLetOut = [...client.ranges].some((range) =>
    isStorage ? range.cidr === external.cidr && range.port === external.port : range.name === host,
  );
  if (isLetOut) return undefined;
  return [
    'outside the cluster, to which CLIENT has no edge',
    `declare it: connections.allowToRange({ name: '${host}', cidr, port })`,
  ];
}

/** One finding for what several lists of one object say alike. */
function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.path} ${finding.cause}`, finding])).values()];
}
