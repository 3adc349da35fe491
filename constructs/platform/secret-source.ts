import type { Construct } from 'constructs';

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
