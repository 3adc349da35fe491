import { MAKES } from '../constructs/platform/labels';
import type { Manifest } from '../constructs/platform/manifest';
import { claimsOf, spec } from '../constructs/platform/workloads';
import { identify } from './references';

/** Something that comes to exist because of an object. */
export interface Provision {
  readonly identity: string;
  /** Keys inside a ConfigMap or Secret, where they are known beforehand. */
  readonly keys?: readonly string[];
}

/** What comes to exist because of an object, itself included; `namespaces` are those that the platform makes. */
export function provisionsOf(manifest: Manifest, namespaces: readonly string[]): Provision[] {
  const { kind, metadata } = manifest;
  const own = { identity: identify(kind, metadata.namespace, metadata.name), keys: ownKeys(manifest) };
  const makes = metadata.annotations?.[MAKES]?.split(',') ?? [];
  return [own, ...makes.map(announced), ...(MAKERS[kind]?.(manifest, namespaces) ?? [])];
}

/** An entry of the annotation: an identity, then the keys inside, separated by colons. */
function announced(entry: string): Provision {
  const [identity = '', ...keys] = entry.split(':');
  return keys.length > 0 ? { identity, keys } : { identity };
}

function ownKeys({ kind, data, binaryData }: Manifest): string[] | undefined {
  return kind === 'ConfigMap' ? Object.keys({ ...(data ?? {}), ...(binaryData ?? {}) }) : undefined;
}

type Maker = (manifest: Manifest, namespaces: readonly string[]) => Provision[];

/** Objects that operators make of custom resources. */
const MAKERS: Readonly<Record<string, Maker>> = {
  Certificate: (manifest) => {
    const { secretName } = spec<{ secretName: string }>(manifest);
    return [
      {
        identity: identify('Secret', manifest.metadata.namespace, secretName),
        keys: ['tls.crt', 'tls.key', 'ca.crt'],
      },
    ];
  },
  ExternalSecret: (manifest) => {
    const { target, data, dataFrom } = spec<ExternalSecretSpec>(manifest);
    const identity = identify('Secret', manifest.metadata.namespace, target?.name ?? manifest.metadata.name);
    const isKnown = data && !dataFrom && !target?.template;
    return [isKnown ? { identity, keys: data.map(({ secretKey }) => secretKey) } : { identity }];
  },
  Bundle: (manifest, namespaces) => {
    const { target = {} } = spec<{ target?: BundleTarget }>(manifest);
    const kinds = Object.entries({ ConfigMap: target.configMap, Secret: target.secret });
    return kinds.flatMap(([kind, made]) =>
      made
        ? namespaces.map((namespace) => ({
            identity: identify(kind, namespace, manifest.metadata.name),
            keys: [made.key],
          }))
        : [],
    );
  },
  Cluster: (manifest) => {
    const { name, namespace } = manifest.metadata;
    const { certificates = {}, bootstrap, managed, ...cluster } = spec<ClusterSpec>(manifest);
    const { disabledDefaultServices: disabled = [], additional = [] } = managed?.services ?? {};
    const secrets = [
      ...(cluster.enableSuperuserAccess && !cluster.superuserSecret ? ['superuser'] : []),
      ...(bootstrap?.initdb?.secret ? [] : ['app']),
      ...(certificates.serverCASecret && certificates.clientCASecret ? [] : ['ca']),
      ...(certificates.serverTLSSecret ? [] : ['server']),
      ...(certificates.replicationTLSSecret ? [] : ['replication']),
    ];
    const services = ['rw', 'ro', 'r'].filter((service) => !disabled.includes(service));
    return [
      ...secrets.map((secret) => ({ identity: identify('Secret', namespace, `${name}-${secret}`) })),
      ...services.map((service) => ({ identity: identify('Service', namespace, `${name}-${service}`) })),
      ...additional.map(({ serviceTemplate: { metadata } }) => ({
        identity: identify('Service', namespace, metadata.name),
      })),
      { identity: identify('ServiceAccount', namespace, cluster.serviceAccountName ?? name) },
    ];
  },
  StatefulSet: (manifest) =>
    claimsOf(manifest).map((claim) => ({
      identity: identify('PersistentVolumeClaim', manifest.metadata.namespace, claim),
    })),
  Pooler: ({ metadata: { name, namespace } }) =>
    ['Service', 'ServiceAccount'].map((kind) => ({ identity: identify(kind, namespace, name) })),
  DatabaseRole: (manifest) => {
    const { clientCertificate } = spec<{ clientCertificate?: { enabled?: boolean } }>(manifest);
    const { name, namespace } = manifest.metadata;
    if (!clientCertificate || clientCertificate.enabled === false) return [];
    return [{ identity: identify('Secret', namespace, `${name}-client-cert`), keys: ['tls.crt', 'tls.key'] }];
  },
  // Their governing Services, one for all of a kind in a namespace.
  Prometheus: ({ metadata: { namespace } }) => [
    { identity: identify('Service', namespace, 'prometheus-operated') },
  ],
  Alertmanager: ({ metadata: { namespace } }) => [
    { identity: identify('Service', namespace, 'alertmanager-operated') },
  ],
};

interface ExternalSecretSpec {
  readonly target?: { readonly name?: string; readonly template?: unknown };
  readonly data?: readonly { readonly secretKey: string }[];
  readonly dataFrom?: unknown;
}

interface BundleTarget {
  readonly configMap?: { readonly key: string };
  readonly secret?: { readonly key: string };
}

interface ClusterSpec {
  readonly certificates?: Readonly<Record<string, string>>;
  readonly bootstrap?: { readonly initdb?: { readonly secret?: unknown } };
  readonly enableSuperuserAccess?: boolean;
  readonly superuserSecret?: unknown;
  readonly serviceAccountName?: string;
  readonly managed?: {
    readonly services?: {
      readonly disabledDefaultServices?: readonly string[];
      readonly additional?: readonly { readonly serviceTemplate: { readonly metadata: { name: string } } }[];
    };
  };
}
