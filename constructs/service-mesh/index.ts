import { Construct } from 'constructs';
import { PeerAuthentication } from '../../imports/security.istio.io';
import { Connections } from '../platform/connections';
import type { NamespaceScope } from '../platform/names';

export interface ServiceMeshProps {
  /** Namespaces, made elsewhere, of pods that the mesh takes in because they connect to some of the platform's. */
  readonly guests: readonly NamespaceScope[];
}

/**
 * What holds for the whole mesh: nothing connects to a pod in it without an identity. Whom each set of pods lets in, and what
 * may come from outside the cluster, is made of its `Connections`, beside its NetworkPolicy.
 *
 * Operators that connect to the platform's pods are guests in the mesh: they show who they are, and take from anybody, for the
 * API server calls their webhooks and is in no mesh.
 *
 * Must be built in the mesh's own namespace: what is said there holds everywhere.
 *
 * @example new ServiceMesh(namespaces.existing(MESH_NAMESPACE), 'mesh', { guests: [] });
 */
export class ServiceMesh extends Construct {
  constructor(scope: Construct, id: string, props: ServiceMeshProps) {
    super(scope, id);
    // By this name, so that whoever makes a second one for the whole mesh finds this.
    new PeerAuthentication(this, 'Resource', {
      metadata: { name: 'default' },
      spec: { mtls: { mode: 'STRICT' } },
    });
    for (const guest of props.guests) {
      new PeerAuthentication(guest, 'Webhooks', {
        metadata: { name: 'default' },
        spec: { mtls: { mode: 'PERMISSIVE' } },
      });
    }
  }
}

/**
 * Namespaces of pods that are let in by service account and that somebody else's program makes, such as an operator's: the
 * mesh must take these in too, or their connections are refused.
 */
export function guestsOf(connections: readonly Connections[]): string[] {
  const peers = connections
    .filter(({ account }) => account !== undefined)
    .flatMap(({ clients }) => [...clients.values()].flatMap((each) => [...each]));
  const guests = peers.filter((peer) => !(peer instanceof Connections) && peer.account !== undefined);
  return [...new Set(guests.map(({ namespace }) => namespace))].sort();
}
