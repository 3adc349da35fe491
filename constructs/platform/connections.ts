import { Lazy } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import {
  ContainerPort,
  NetworkPolicy,
  NetworkPolicySpec,
  Service,
  ServicePort,
  ServiceSpec,
} from '../../imports/k8s';
import {
  AuthorizationPolicy,
  type AuthorizationPolicySpec,
  PeerAuthentication,
  type PeerAuthenticationSpec,
} from '../../imports/security.istio.io';
import { ClientAuthority, CLUSTER_DOMAIN, Endpoint, Listener, Protocol } from './endpoint';
import { authorizationPolicySpec, exemption } from './mesh';
import { namespaceAround, objectName } from './names';
import { networkPolicySpec } from './network-policy';
import { AddressRange, Peer } from './peer';

export interface ConnectionsOptions {
  /** The software, as `app.kubernetes.io/name`. */
  readonly name: string;
  /** The part it plays, as `app.kubernetes.io/component`. */
  readonly component: string;
  /**
   * Labels that select the pods where an operator makes them; their Services are then the operator's too.
   * @default the platform's own labels, and a Service with the first `listen`
   */
  readonly operatorLabels?: Readonly<Record<string, string>>;
  /**
   * The Service: `cluster` balances over ready pods, `sticky` leads a client to the pod it was at before, `headless` gives
   * every pod a name, ready or not, and so does `switched`, which selects nothing itself: somebody switches it between pods.
   * @default 'cluster'
   */
  readonly service?: 'cluster' | 'sticky' | 'headless' | 'switched';
}

export interface ListenOptions {
  /**
   * DNS name that clients use, where it is not the Service of these pods.
   * @default the Service's name
   */
  readonly host?: string;
  /**
   * Path at which the port serves Prometheus metrics; whoever watches the platform must then scrape it.
   * @default - no metrics
   */
  readonly metricsPath?: string;
  /**
   * Scheme of the metrics; `https` is verified against the platform's own roots.
   * @default 'http'
   */
  readonly metricsScheme?: 'http' | 'https';
  /**
   * Whom the metrics are about: the pod that serves them, or `others`, whose namespace and names in the labels then stay
   * as they are.
   * @default 'itself'
   */
  readonly metricsAbout?: 'itself' | 'others';
  /**
   * What the port speaks.
   * @default 'TCP'
   */
  readonly protocol?: Protocol;
  /**
   * Whose certificate clients must show.
   * @default - none is asked for
   */
  readonly clientAuthority?: ClientAuthority;
}

/** What kinds of Services differ in. */
const SERVICES: Readonly<
  Record<'cluster' | 'sticky' | 'headless' | 'switched' | 'operator', Partial<ServiceSpec>>
> = {
  cluster: {},
  sticky: { sessionAffinity: 'ClientIP' },
  headless: { clusterIP: 'None', publishNotReadyAddresses: true },
  // Without a selector it would be of two address families, which a cluster of one refuses as soon as there is a selector.
  switched: { clusterIP: 'None', publishNotReadyAddresses: true, ipFamilyPolicy: 'SingleStack' },
  operator: {},
};

const registry = new WeakMap<IConstruct, Connections>();

/**
 * The network side of one set of pods, declared once. From what is declared here come the Service, the container ports,
 * both halves of the NetworkPolicies, whom the mesh lets in, certificate names and the order of syncing.
 */
export class Connections implements Listener {
  readonly namespace: string;
  /** Labels that select exactly these pods; belong on their template, with `podLabels`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Labels for objects and pod templates of this construct. */
  readonly podLabels: Readonly<Record<string, string>>;
  /**
   * The service account of these pods, named as their construct, where the mesh has taken them in: it is what others know
   * them by.
   */
  readonly account?: string;
  readonly endpoints: Endpoint[] = [];
  /** Edges of the platform's graph: what these pods connect to. */
  readonly targets = new Set<Endpoint>();
  /** What these pods look at from outside, whether it runs or not: no order of syncing follows from it. */
  readonly watched = new Set<Endpoint>();
  readonly ranges = new Set<AddressRange>();
  readonly clients = new Map<Endpoint, Set<Peer>>();
  /** Address blocks (CIDR) outside the cluster whose clients may connect. */
  readonly outsiders = new Map<Endpoint, readonly string[]>();
  /** Ports at which pods connect that are somebody else's, and that no mesh takes in. */
  readonly strangers = new Set<Endpoint>();
  /** Endpoints of proxies that pass TLS through to these pods untouched. */
  readonly fronts = new Set<Endpoint>();
  /** Pods whose work must be done before these start, without a connection between them. */
  readonly predecessors = new Set<Connections>();
  private readonly serviceKind: keyof typeof SERVICES;
  private service?: Service;
  private authorization?: AuthorizationPolicy;
  private exemption?: PeerAuthentication;

  constructor(
    /** The construct these are the pods of. */
    readonly construct: Construct,
    options: ConnectionsOptions,
  ) {
    const { name, component, operatorLabels, service = 'cluster' } = options;
    const namespace = namespaceAround(construct);
    this.namespace = namespace.name;
    if (namespace.isMeshed) this.account = objectName(construct);
    const identity = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': objectName(construct) };
    this.labels = operatorLabels ?? identity;
    this.podLabels = { ...identity, 'app.kubernetes.io/component': component, ...operatorLabels };
    this.serviceKind = operatorLabels ? 'operator' : service;
    registry.set(construct, this);
    new NetworkPolicy(construct, 'Network', {
      metadata: { name: objectName(construct) },
      spec: Lazy.any({ produce: (): NetworkPolicySpec => networkPolicySpec(this) }),
    });
  }

  /** The connections a construct declared for itself; undefined where it has no pods. */
  static of(construct: IConstruct): Connections | undefined {
    return registry.get(construct);
  }

  /** The connections of the nearest construct around an object, itself included. */
  static around(construct: IConstruct): Connections | undefined {
    return construct.node.scopes
      .map((scope) => registry.get(scope))
      .findLast((connections) => connections !== undefined);
  }

  /** Every port these pods may connect to, for whatever reason. */
  get reached(): ReadonlySet<Endpoint> {
    return new Set([...this.targets, ...this.watched]);
  }

  /** Name of the Service in front of these pods. */
  get serviceName(): string {
    return objectName(this.construct);
  }

  /** DNS name of the Service. */
  get host(): string {
    return `${this.serviceName}.${this.namespace}.svc.${CLUSTER_DOMAIN}`;
  }

  /** DNS name of one pod of a StatefulSet behind a headless Service. */
  podHost(ordinal: number): string {
    return `${objectName(this.construct)}-${ordinal}.${this.host}`;
  }

  /**
   * Declares a port these pods listen on.
   * @throws Error where the name or the port is taken
   */
  listen(name: string, port: number, options: ListenOptions = {}): Endpoint {
    const {
      host = this.host,
      metricsPath,
      metricsScheme = 'http',
      protocol = 'TCP',
      clientAuthority,
    } = options;
    const about = options.metricsAbout === 'others' ? { honorLabels: true as const } : {};
    const twin = this.endpoints.find(
      (other) =>
        other.name === name || (other.port === port && other.host === host && other.protocol === protocol),
    );
    if (twin) {
      throw new Error(
        `${this.construct.node.path}: port ${name} (${port}) is taken by ${twin.name} (${twin.port})`,
      );
    }
    const metrics =
      metricsPath === undefined ? undefined : { path: metricsPath, scheme: metricsScheme, ...about };
    const endpoint = new Endpoint(this, name, port, host, metrics, protocol, clientAuthority);
    this.endpoints.push(endpoint);
    if (this.serviceKind !== 'operator') this.addService();
    return endpoint;
  }

  /** Lets these pods connect to an endpoint, and the endpoint's pods accept it. */
  allowTo(...endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      this.targets.add(endpoint);
      endpoint.owner.allowFrom(this, endpoint);
    }
  }

  /** Lets these pods look at an endpoint, to see whether it works and how: they do not need it. */
  watch(...endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) {
      this.watched.add(endpoint);
      endpoint.owner.allowFrom(this, endpoint);
    }
  }

  /** Lets pods made by somebody else's program connect to one of these ports. */
  allowFrom(peer: Peer, endpoint: Endpoint): void {
    const peers = this.clients.get(endpoint) ?? new Set<Peer>();
    this.clients.set(endpoint, peers.add(peer));
    if (endpoint.protocol === 'TCP') this.authorize();
  }

  /** Lets clients from outside the cluster connect to one of these ports. */
  allowFromOutside(endpoint: Endpoint, cidrs: readonly string[]): void {
    this.outsiders.set(endpoint, cidrs);
    this.exempt();
  }

  /**
   * Lets pods of somebody else's connect to one of these ports, past the mesh: who they are is for the NetworkPolicy to say, and
   * nobody of the mesh comes in there.
   */
  allowFromStranger(peer: Omit<Peer, 'account'>, endpoint: Endpoint): void {
    this.strangers.add(endpoint);
    this.allowFrom(peer, endpoint);
    this.exempt();
  }

  /** Lets these pods connect to addresses that are no pods. */
  allowToRange(range: AddressRange): void {
    this.ranges.add(range);
  }

  /** Lets these pods start only when the work of others is done, such as a Job that makes what they need. */
  startAfter(...others: readonly Connections[]): void {
    for (const other of others) this.predecessors.add(other);
  }

  /** Lets these pods answer for a proxy that passes TLS through to them: clients then check the proxy's name. */
  answersFor(front: Endpoint): void {
    this.fronts.add(front);
  }

  /** The ports for the container that listens on them. */
  containerPorts(...endpoints: readonly Endpoint[]): ContainerPort[] {
    return endpoints.map(({ name, port, protocol }) => ({
      name,
      containerPort: port,
      ...(protocol === 'UDP' ? { protocol } : {}),
    }));
  }

  private authorize(): void {
    if (this.account === undefined) return;
    this.authorization ??= new AuthorizationPolicy(this.construct, 'Identities', {
      metadata: { name: objectName(this.construct) },
      spec: Lazy.any({ produce: (): AuthorizationPolicySpec => authorizationPolicySpec(this) }),
    });
  }

  private exempt(): void {
    if (this.account === undefined) return;
    this.authorize();
    this.exemption ??= new PeerAuthentication(this.construct, 'Outside', {
      metadata: { name: objectName(this.construct) },
      spec: Lazy.any({ produce: (): PeerAuthenticationSpec => exemption(this) }),
    });
  }

  private addService(): void {
    this.service ??= new Service(this.construct, 'Service', {
      metadata: { name: this.serviceName },
      spec: {
        ...SERVICES[this.serviceKind],
        // A selector is owned as a whole: whoever wrote this one would undo every switch.
        ...(this.serviceKind === 'switched' ? {} : { selector: this.labels }),
        ports: Lazy.any({ produce: (): ServicePort[] => this.servicePorts() }),
      },
    });
  }

  private servicePorts(): ServicePort[] {
    return this.endpoints
      .filter((endpoint) => endpoint.host === this.host)
      .map(({ name, port, protocol }) => ({
        name,
        port,
        targetPort: name,
        ...(protocol === 'UDP' ? { protocol } : {}),
      }));
  }
}
