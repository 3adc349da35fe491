import type { Connections } from '../constructs/platform/connections';
import type { Endpoint } from '../constructs/platform/endpoint';
import {
  HBONE_PORT,
  KUBELET_CIDR,
  MESH_LABEL,
  MESH_NAMESPACE,
  principalOf,
} from '../constructs/platform/mesh';
import type { Peer } from '../constructs/platform/peer';
import { containersOf, spec } from '../constructs/platform/workloads';
import { OPERATORS, operatorChart } from '../constructs/platform-operators/operators';
import { inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import { type Admission, type Demand, deniesAll, readAdmission, readDemand } from './mesh-policy';
import { covers, describePeer, matches, type Opening, type Policy, readPolicy, selecting } from './policy';

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

interface World {
  readonly platform: Platform;
  readonly pods: readonly PodSource[];
  readonly admissions: readonly Admission[];
  readonly demands: readonly Demand[];
  readonly policies: readonly Policy[];
  /** Namespaces that the platform makes, with their objects. */
  readonly namespaces: ReadonlyMap<string, PlatformObject>;
  /** Namespaces of others that the mesh is told to take in. */
  readonly guests: ReadonlySet<string>;
}

function worldOf(platform: Platform): World {
  const { objects } = platform;
  return {
    platform,
    pods: inventoryOf(platform).pods,
    admissions: objects.flatMap(readAdmission),
    demands: objects.flatMap(readDemand),
    policies: objects.flatMap(readPolicy),
    namespaces: new Map(
      objects
        .filter(({ manifest }) => manifest.kind === 'Namespace')
        .map((object) => [object.manifest.metadata.name, object]),
    ),
    guests: new Set(objects.flatMap(guestOf)),
  };
}

interface ApplicationSpec {
  readonly destination?: { readonly namespace?: string };
  readonly source?: { readonly chart?: string; readonly helm?: { readonly valuesObject?: unknown } };
  readonly syncPolicy?: { readonly managedNamespaceMetadata?: { readonly labels?: Record<string, string> } };
}

function guestOf({ manifest }: PlatformObject): string[] {
  if (manifest.kind !== 'Application') return [];
  const { destination, syncPolicy } = spec<ApplicationSpec>(manifest);
  const { [MESH_LABEL]: mode } = syncPolicy?.managedNamespaceMetadata?.labels ?? {};
  return mode === 'ambient' && destination?.namespace !== undefined ? [destination.namespace] : [];
}

/** What speaks of a mesh where there is none: nobody would heed it, or its kind would be refused. */
function strays({ objects }: Platform): Finding[] {
  return objects
    .filter(
      ({ manifest }) =>
        ['AuthorizationPolicy', 'PeerAuthentication'].includes(manifest.kind) ||
        manifest.metadata.labels?.[MESH_LABEL] !== undefined,
    )
    .map(({ path, manifest: { kind, metadata } }) => ({
      path,
      cause: `${kind} ${metadata.name} speaks of a mesh, and this environment has none`,
      remedy: 'say mesh in the configuration, or make it only where there is one',
    }));
}

/** Pods that the mesh does not take in, or that it takes in without asking who connects. */
function leftOut({ namespaces, pods, admissions }: World): Finding[] {
  const denied = new Set(admissions.filter(deniesAll).map(({ namespace }) => namespace));
  const open = [...namespaces].flatMap(([name, { path, manifest }]) => [
    ...(manifest.metadata.labels?.[MESH_LABEL] === 'ambient'
      ? []
      : [
          {
            path,
            cause: `the mesh does not take in the pods of namespace ${name}`,
            remedy: `give PlatformNamespaces the mesh, which labels it ${MESH_LABEL}: ambient`,
          },
        ]),
    ...(denied.has(name)
      ? []
      : [
          {
            path,
            cause: `no AuthorizationPolicy denies by default in namespace ${name}`,
            remedy: 'build it with PlatformNamespaces.add(…), which makes the policy',
          },
        ]),
  ]);
  const away = pods.flatMap(({ object, workload }) => {
    const why = [
      ...(workload.pod?.hostNetwork ? ["its node's network"] : []),
      ...(workload.labels[MESH_LABEL] === undefined ? [] : [`label ${MESH_LABEL}`]),
    ];
    return why.map((reason) => ({
      path: object.path,
      cause: `the mesh does not take in the pods of ${nameOf(object)}, for ${reason}`,
      remedy: 'take that away: the mesh refuses their connections to all others',
    }));
  });
  return [...open, ...away];
}

/** The service account that pods run as, operators' own included (CloudNativePG 1.30, api/v1/{cluster,pooler}_funcs.go). */
function accountOf({ object: { manifest }, workload }: PodSource): string {
  const { kind, metadata } = manifest;
  if (kind === 'Cluster' || kind === 'Pooler')
    return spec<{ serviceAccountName?: string }>(manifest).serviceAccountName ?? metadata.name;
  return workload.pod?.serviceAccountName ?? 'default';
}

/** Pods that the mesh knows by another service account than the one that policies were told. */
function misnamed(source: PodSource): Finding[] {
  const { object } = source;
  const told = object.connections?.account;
  const account = accountOf(source);
  if (told === undefined || told === account) return [];
  return [
    {
      path: object.path,
      cause: `pods of ${nameOf(object)} run as service account ${account}, by which nobody lets them in: policies know ${told}`,
      remedy: 'give the pods a service account of their own, named as their construct (withoutToken)',
    },
  ];
}

/** One declared connection into a set of pods. */
interface Edge {
  readonly to: Connections;
  readonly endpoint: Endpoint;
  readonly from: Peer;
}

function edgesInto(to: Connections): Edge[] {
  return [...to.clients].flatMap(([endpoint, peers]) => [...peers].map((from) => ({ to, endpoint, from })));
}

const about = ({ to, endpoint, from }: Edge): string =>
  `${describePeer(from)} to port ${endpoint.port} of ${to.construct.node.path}`;

/** Connections that the mesh refuses, or lets in twice. */
function refused(edge: Edge, world: World): Finding[] {
  const { to, endpoint, from } = edge;
  const path = to.construct.node.path;
  const principal = principalOf(from);
  if (principal === undefined)
    return [
      {
        path,
        cause: `the mesh refuses ${about(edge)}: whoever connects is not in it, and shows no identity`,
        remedy:
          "say which service account these pods run as (the peer's account), and the mesh takes them in",
      },
    ];
  const rules = rulesFor(to, world, principal, endpoint.port);
  const counted =
    rules === 1
      ? []
      : [
          {
            path,
            cause: `${rules} rules of the mesh let in ${about(edge)}; it must be exactly one`,
            remedy:
              'declare the edge with connections.allowTo(endpoint), and write no AuthorizationPolicy by hand',
          },
        ];
  return [...counted, ...uninvited(edge, world)];
}

/** Clients made by others, in a namespace that nobody tells the mesh to take in. */
function uninvited(edge: Edge, { namespaces, guests, platform }: World): Finding[] {
  const { namespace } = edge.from;
  const isThere = (platform.cluster.installed ?? []).some(
    (name) => operatorChart(name).namespace === namespace,
  );
  if (namespaces.has(namespace) || guests.has(namespace) || isThere) return [];
  return [
    {
      path: edge.to.construct.node.path,
      cause: `the mesh refuses ${about(edge)}: it does not take in namespace ${namespace}`,
      remedy: 'give PlatformOperators the namespace (meshed), from guestsOf(connections)',
    },
  ];
}

/** How many printed rules let somebody in to a port; the fewest, where several sets of pods answer. */
function rulesFor(to: Peer, { pods, admissions }: World, who: string, port: number): number {
  const counts = podsOf(to, pods).map(
    ({ namespace, workload }) =>
      admissions
        .filter((each) => each.namespace === namespace && matches(each.labels, workload.labels))
        .flatMap(({ entries }) => entries)
        .filter((entry) => entry.who === who && entry.port === String(port)).length,
  );
  return counts.find((count) => count !== 1) ?? 1;
}

function podsOf(peer: Peer, pods: readonly PodSource[]): PodSource[] {
  return pods.filter(
    ({ namespace, workload }) => namespace === peer.namespace && matches(peer.labels, workload.labels),
  );
}

/** Connections whose tunnel a NetworkPolicy does not let out or in. */
function cutOff(edge: Edge, { pods, policies }: World): Finding[] {
  const { to, from } = edge;
  if (principalOf(from) === undefined) return [];
  const port = `TCP ${HBONE_PORT}`;
  const lets = (source: PodSource, direction: 'ingress' | 'egress', other: Peer): boolean =>
    selecting(policies, source.namespace, source.workload.labels)
      .flatMap((policy) => policy[direction])
      .some((rule) => covers(rule, { namespace: other.namespace, labels: other.labels, port }));
  const out = podsOf(from, pods).filter((source) => !lets(source, 'egress', labelled(to, pods)));
  const into = podsOf(to, pods).filter((source) => !lets(source, 'ingress', labelled(from, pods)));
  return [...out, ...into].map(({ object }) => ({
    path: object.path,
    cause: `no NetworkPolicy of ${nameOf(object)} lets through port ${HBONE_PORT}, by which the mesh takes ${about(edge)}`,
    remedy: 'declare the edge with connections.allowTo(endpoint); both policies follow',
  }));
}

/** A peer with all labels of its pods, where these are the platform's: a policy may select them by any. */
function labelled(peer: Peer, pods: readonly PodSource[]): Peer {
  const [source] = podsOf(peer, pods);
  return source ? { namespace: peer.namespace, labels: source.workload.labels } : peer;
}

/** What comes from outside the cluster, shows no identity, and is let in nowhere. */
function turnedAway(own: Connections, { port }: Endpoint, cidrs: readonly string[], world: World): Finding[] {
  const isExempt = world.demands.some(
    ({ namespace, labels, ports }) =>
      namespace === own.namespace &&
      labels !== undefined &&
      matches(labels, own.labels) &&
      ports.get(String(port)) === 'PERMISSIVE',
  );
  const unknown = cidrs.filter((cidr) => rulesFor(own, world, cidr, port) !== 1);
  const why = [
    ...(isExempt ? [] : ['no PeerAuthentication exempts the port']),
    ...unknown.map((cidr) => `not exactly one rule lets in ${cidr}`),
  ];
  return why.map((reason) => ({
    path: own.construct.node.path,
    cause: `the mesh refuses what comes from outside the cluster to port ${port}: ${reason}`,
    remedy: 'declare it with connections.allowFromOutside(endpoint, cidrs)',
  }));
}

/** Rules that let in more than was declared, or that are not read as they are written. */
function undeclared(admission: Admission): Finding[] {
  const { object, action, entries, isUnread } = admission;
  if (deniesAll(admission)) return [];
  const { name } = object.manifest.metadata;
  const own = object.connections;
  const declared = new Set(
    own
      ? [
          ...edgesInto(own).map(({ endpoint, from }) => `${principalOf(from)} ${endpoint.port}`),
          ...[...own.outsiders].flatMap(([{ port }, cidrs]) => cidrs.map((cidr) => `${cidr} ${port}`)),
        ]
      : [],
  );
  const remedy = 'declare it with allowTo, allowFrom or allowFromOutside, or take the rule away';
  const because = [
    ...(action === 'ALLOW' ? [] : [`does not allow but says ${action}: declared connections may be refused`]),
    ...(isUnread ? ['has a rule that does not say by whom and at which port, and nothing else'] : []),
    ...entries
      .filter(({ who, port }) => !declared.has(`${who} ${port}`))
      .map(({ who, port }) => `lets in ${who} at port ${port}, which no connection declares`),
  ];
  return because.map((reason) => ({
    path: object.path,
    cause: `policy ${name} of the mesh ${reason}`,
    remedy,
  }));
}

/** Where less than an identity is asked for, without a declared reason. */
function lenient({ demands, pods, platform, guests }: World): Finding[] {
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
    const open = [...(object.connections?.outsiders.keys() ?? [])].map(({ port }) => String(port));
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
function unprobed({ pods, policies }: World): Finding[] {
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
function uncalled({ platform, namespaces }: World): Finding[] {
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

/** The issuer that signs for the mesh, where the platform does not make it. */
function unissued(platform: Platform): Finding[] {
  const { provided } = inventoryOf(platform);
  return platform.objects.flatMap(({ path, manifest }) => {
    if (manifest.kind !== 'Application') return [];
    const { source } = spec<ApplicationSpec>(manifest);
    if (source?.chart !== OPERATORS['istio-csr'].chart) return [];
    const values = source.helm?.valuesObject as (typeof OPERATORS)['istio-csr']['values'];
    const { kind, name } = values.app.certmanager.issuer;
    if (provided.has(`${kind}/${name}`)) return [];
    return {
      path,
      cause: `${kind} ${name}, which signs for the mesh, is made by nobody`,
      remedy: 'name the issuer of the certificate authority',
    };
  });
}

function nameOf({ manifest: { kind, metadata } }: PlatformObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
