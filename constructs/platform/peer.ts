/** Pods as a NetworkPolicy sees them. */
export interface Peer {
  readonly namespace: string;
  /** Labels that select the pods; none: every pod of the namespace. */
  readonly labels: Readonly<Record<string, string>>;
  /**
   * Service account that the pods run as, by which the mesh knows them.
   * @default - the mesh does not take these pods in
   */
  readonly account?: string;
}

/** A range of addresses outside the cluster's pods, such as the API server or an external object store. */
export interface AddressRange {
  /** What is there, for people who read reports. */
  readonly name: string;
  /** CIDR block. */
  readonly cidr: string;
  /** TCP port. */
  readonly port: number;
}
