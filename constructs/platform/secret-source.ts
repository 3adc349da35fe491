import type { Construct } from 'constructs';
import { ExternalSecret } from '../../imports/external-secrets.io';
import { objectName } from './names';

/** What an ExternalSecret names. */
export interface StoreReference {
  readonly kind: 'ClusterSecretStore' | 'SecretStore';
  readonly name: string;
}

/** Where a Secret's values come from that somebody gives out: entries, each with properties. */
export interface SecretSource {
  /** Lets a construct's ExternalSecret read these entries, and says where. */
  storeFor(construct: Construct, entries: readonly string[]): StoreReference;
}

/** A store outside that the cluster has for all of its namespaces: whoever made it says what may be read. */
export class ClusterStore implements SecretSource {
  constructor(private readonly name: string) {}

  storeFor(): StoreReference {
    return { kind: 'ClusterSecretStore', name: this.name };
  }
}

/** Where one value lies. */
export interface Place {
  readonly entry: string;
  readonly property: string;
}

export interface FetchedSecretProps {
  readonly source: SecretSource;
  /** What is fetched, by its key in the Secret. */
  readonly values: Readonly<Record<string, Place>>;
  /**
   * Of the Secret, and of what fetches it.
   * @default - the construct's own
   */
  readonly name?: string;
  /**
   * Where somebody else reads it than the construct.
   * @default - the construct's own
   */
  readonly namespace?: string;
  /**
   * Of what fetches it, for whoever fills the source.
   * @default - none
   */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Of the Secret.
   * @default - Kubernetes' own, Opaque
   */
  readonly type?: string;
  /**
   * Of the Secret.
   * @default - none
   */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Has values copied into a Secret by external-secrets, which looks every hour whether they are others now; the Secret's name. */
export function fetchSecret(construct: Construct, id: string, props: FetchedSecretProps): string {
  const { source, values, name = objectName(construct), namespace, annotations } = props;
  const template = templateOf(props);
  const places = Object.entries(values);
  const entries = [...new Set(places.map(([, { entry }]) => entry))];
  new ExternalSecret(construct, id, {
    metadata: { name, ...(namespace ? { namespace } : {}), ...(annotations ? { annotations } : {}) },
    spec: {
      secretStoreRef: source.storeFor(construct, entries),
      refreshInterval: '1h',
      target: { name, ...(template ? { template } : {}) },
      data: places.map(([secretKey, { entry, property }]) => ({
        secretKey,
        remoteRef: { key: entry, property },
      })),
    },
  });
  return name;
}

/** What the Secret is beside its values, where that is said. */
function templateOf({ type, labels }: FetchedSecretProps) {
  if (type === undefined && labels === undefined) return undefined;
  return { ...(type ? { type } : {}), ...(labels ? { metadata: { labels } } : {}) };
}

/** Properties of one entry, each by its own name. */
export function propertiesOf(entry: string, properties: readonly string[]): Readonly<Record<string, Place>> {
  return Object.fromEntries(properties.map((property) => [property, { entry, property }]));
}
