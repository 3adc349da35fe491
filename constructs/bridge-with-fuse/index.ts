import { Construct } from 'constructs';
import type { Credential } from '../credentials';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import { autoscale } from './autoscaling';
import { judge } from './blue-green';
import { ExternalState, keepOutside, mostPods } from './external';
import { eventsClaim, keepLocally, LocalState } from './local';
import { Server, ServerProps } from './server';

export interface BridgeWithFuseProps extends ServerProps {
  /** Where sessions, experts and events live: in the process and on its volume, or in PostgreSQL and Redis. */
  readonly state: LocalState | ExternalState;
}

/**
 * Lighthouse's server. Where its state is, is said once, and decides what else there can be: one pod with a volume, or many
 * that share what they know.
 *
 * The server mounts no file system: as released that fails, and an image without libfuse spares it the attempt. Where one
 * is wanted, a container of its own serves it.
 *
 * @example
 * const state = { kind: 'local', storage: '10Gi', storageClass: 'ssd' } as const;
 * const bridge = new BridgeWithFuse(namespaces.add('bridge'), 'bridge', { image, maker, resources, state });
 * edge.connections.allowTo(bridge.api);
 */
export class BridgeWithFuse extends Construct {
  readonly connections: Connections;
  /** HTTP and WebSocket, without TLS, which the server does not have; anybody who gets here is handed a session. */
  readonly api: Endpoint;
  /** The claim of the volume with its events, where they are on one. */
  readonly claim = eventsClaim(objectName(this));
  /** Where sessions, experts and events live. */
  readonly state: BridgeWithFuseProps['state']['kind'];
  /** The most pods there may be at a time, updates aside. */
  readonly most: number;
  private readonly server: Server;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: BridgeWithFuseProps,
  ) {
    super(scope, id);
    const { state } = props;
    const isSwitched = state.kind === 'external' && state.delivery === 'blue-green';
    this.connections = new Connections(this, {
      name: 'lighthouse',
      component: 'bridge',
      service: isSwitched ? 'switched' : 'headless',
    });
    this.api = this.connections.listen('http', 8765);
    this.most = state.kind === 'local' ? 1 : mostPods(state);
    this.state = state.kind;
    this.server = new Server(this, this.connections, this.api, props);
    if (state.kind === 'local') keepLocally(this, this.server, state);
    else keepOutside(this, this.server, state);
  }

  /** The key that every event is signed with. */
  get eventSecret(): Credential {
    return this.server.secrets.of('event');
  }

  /** Lets its pods be counted, and new ones be judged, by what Prometheus says of them, where the state allows it. */
  measureBy(prometheus: Endpoint): void {
    const { state } = this.props;
    if (state.kind === 'local') return;
    const { replicas, autoscaling, delivery } = state;
    const isSwitched = delivery === 'blue-green';
    if (isSwitched) judge(this, prometheus);
    if (!autoscaling) return;
    const kind = isSwitched ? 'Rollout' : 'Deployment';
    autoscale(this, prometheus, { ...autoscaling, kind, replicas, certificate: `${objectName(this)}-tls` });
  }

  /** Sends spans and the durations of requests to an OpenTelemetry collector, by gRPC over TLS. */
  exportTo(collector: Endpoint): void {
    this.connections.watch(collector);
    this.server.telemetry = collector;
  }
}
