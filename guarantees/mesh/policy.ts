import { ANY_PRINCIPAL } from '../../constructs/platform/mesh';
import { spec } from '../../constructs/platform/workloads';
import type {
  AuthorizationPolicySpec,
  AuthorizationPolicySpecRules,
  PeerAuthenticationSpec,
} from '../../imports/security.istio.io';
import type { PlatformObject } from '../../synth/platform';
import type { Labels } from '../policy';

// The mesh's policies as its agents on the nodes read them (pilot/pkg/serviceregistry/ambient/authorization.go, Istio 1.31).

/** Whoever shows no identity, as the client of an entry. */
export const STRANGER = 'whoever shows no identity';

/** One client, by identity or address or for having no identity, at one port. */
export interface Entry {
  readonly who: string;
  readonly port: string;
}

/** An AuthorizationPolicy. */
export interface Admission {
  readonly object: PlatformObject;
  readonly namespace: string;
  /** None: every pod of the namespace. */
  readonly labels: Labels;
  readonly action: string;
  readonly entries: readonly Entry[];
  /** Whether a rule says something else than who and at which port: that is read otherwise there, or not at all. */
  readonly isUnread: boolean;
}

export function readAdmission(object: PlatformObject): Admission[] {
  if (object.manifest.kind !== 'AuthorizationPolicy') return [];
  const { action = 'ALLOW', selector, rules = [] } = spec<AuthorizationPolicySpec>(object.manifest);
  const entries = rules.map(entriesOf);
  return [
    {
      object,
      namespace: object.manifest.metadata.namespace ?? '',
      labels: selector?.matchLabels ?? {},
      action,
      entries: entries.flatMap((each) => each ?? []),
      isUnread: entries.includes(undefined),
    },
  ];
}

function entriesOf({ from = [], to = [], when }: AuthorizationPolicySpecRules): Entry[] | undefined {
  const ports = to.flatMap(({ operation = {} }) => operation.ports ?? []);
  const clients = from.flatMap(({ source = {} }) => [
    ...(source.principals ?? []),
    ...(source.ipBlocks ?? []),
    ...(source.notPrincipals?.join() === ANY_PRINCIPAL ? [STRANGER] : []),
  ]);
  const isPlain =
    when === undefined &&
    to.every(({ operation = {} }) => only(operation, 'ports')) &&
    from.every(({ source = {} }) => SOURCES.some((key) => only(source, key))) &&
    clients.every((who) => !who.includes('*'));
  if (!isPlain || ports.length === 0 || clients.length === 0) return undefined;
  return clients.flatMap((who) => ports.map((port) => ({ who, port })));
}

const SOURCES = ['principals', 'ipBlocks', 'notPrincipals'];

function only(value: object, key: string): boolean {
  return Object.keys(value).join() === key;
}

/** A policy that lets nobody in to any pod of its namespace, so that others there say who may. */
export const deniesAll = ({ labels, action, entries, isUnread }: Admission): boolean =>
  Object.keys(labels).length === 0 && action === 'ALLOW' && entries.length === 0 && !isUnread;

/** A PeerAuthentication: whether pods take what comes without an identity, and at which ports. */
export interface Demand {
  readonly object: PlatformObject;
  readonly namespace: string;
  readonly labels?: Labels;
  readonly mode?: string;
  /** Ports with another mode. */
  readonly ports: ReadonlyMap<string, string | undefined>;
}

export function readDemand(object: PlatformObject): Demand[] {
  if (object.manifest.kind !== 'PeerAuthentication') return [];
  const { mtls, selector, portLevelMtls = {} } = spec<PeerAuthenticationSpec>(object.manifest);
  return [
    {
      object,
      namespace: object.manifest.metadata.namespace ?? '',
      labels: selector?.matchLabels,
      mode: mtls?.mode,
      ports: new Map(Object.entries(portLevelMtls).map(([port, { mode }]) => [port, mode])),
    },
  ];
}
