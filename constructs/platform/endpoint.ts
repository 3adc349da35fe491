import { Construct } from 'constructs';
import { Peer } from './peer';

/**
 * The domain of Services inside a cluster. Names are written out to the end: HAProxy's resolver knows no search
 * domains, and a full name spares every other client the four failing look-ups of `ndots: 5`.
 */
export const CLUSTER_DOMAIN = 'cluster.local';

/** What a port speaks. */
export type Protocol = 'TCP' | 'UDP';

/** Whose certificate clients show: one of the platform's authority, or of an authority that the service has for itself. */
export type ClientAuthority = 'platform' | 'own';

/** Prometheus metrics that a port serves. */
export interface MetricsSource {
  readonly path: string;
  /** `https` is verified against the platform's own roots, by the name of the endpoint's host. */
  readonly scheme: 'http' | 'https';
  /** Labels it has in common with where it comes from stay as it says them: it speaks of others. */
  readonly honorLabels?: true;
}

/** Pods that listen, and the construct that they belong to. */
export interface Listener extends Peer {
  readonly construct: Construct;
  /** Lets other pods connect to one of the ports. */
  allowFrom(peer: Peer, endpoint: Endpoint): void;
}

/** How a client reaches one port of one set of pods. */
export class Endpoint {
  constructor(
    /** Whose pods listen. */
    readonly owner: Listener,
    /** The port's name: unique among the owner's ports, at most 15 characters (Kubernetes' limit). */
    readonly name: string,
    /** The port, on the Service and on the pods alike. */
    readonly port: number,
    /** DNS name that a client connects to. */
    readonly host: string,
    /** Where the port serves Prometheus metrics, if it does. */
    readonly metrics?: MetricsSource,
    /** UDP for gossip; everything else here speaks TCP. */
    readonly protocol: Protocol = 'TCP',
    /** Whose certificate the port lets nobody in without; undefined where it asks for none. */
    readonly clientAuthority?: ClientAuthority,
  ) {
    if (!/^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > 15) {
      throw new Error(
        `port name "${name}" must be lowercase words of at most 15 characters, as in "redis-tls"`,
      );
    }
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new Error(`port ${name} must be between 1 and 65535, got ${port}`);
    }
  }

  /** `host:port` */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** An address with a scheme, as in `https://host:port`. */
  url(scheme: string): string {
    return `${scheme}://${this.address}`;
  }
}
