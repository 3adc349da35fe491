import { Construct } from 'constructs';
import { PodDisruptionBudget } from '../../imports/k8s';
import { Pooler as PoolerResource } from '../../imports/postgresql.cnpg.io';
import { CertificateAuthority, TRUST_BUNDLE } from '../certificate-authority';
import { Connections } from '../platform/connections';
import { AddressRange } from '../platform/peer';
import { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import { resources, spread, Spreading } from '../platform/pod';
import { formatBytes } from '../platform/quantity';
import type { ConnectionBudget } from './connection-budget';

export interface PoolerProps {
  /** PgBouncer image. */
  readonly image: string;
  /** Name of the Cluster resource. */
  readonly cluster: string;
  /** The primary. */
  readonly server: Endpoint;
  readonly authority: CertificateAuthority;
  readonly apiServer: AddressRange;
  readonly instances: number;
  readonly budget: ConnectionBudget;
  readonly spreading: Spreading;
}

/** The operator's manager beside PgBouncer in the same container. */
const MANAGER_MEMORY = 96 * 2 ** 20;

/** Buffers and TLS state of one client. */
const CLIENT_MEMORY = 64 * 2 ** 10;

/**
 * PgBouncer in front of the primary, in transaction mode: many clients on few connections, which also survive a change of
 * the primary. It learns passwords from PostgreSQL itself, by a certificate that the operator makes.
 */
export class Pooler extends Construct {
  readonly connections: Connections;
  readonly endpoint: Endpoint;

  constructor(scope: Construct, id: string, props: PoolerProps) {
    super(scope, id);
    const { image, cluster, server, authority, apiServer, instances, budget, spreading } = props;
    const name = objectName(this);
    this.connections = new Connections(this, {
      name: 'pgbouncer',
      component: 'pooler',
      operatorLabels: { 'cnpg.io/poolerName': name },
    });
    this.endpoint = this.connections.listen('pgbouncer', 5432, { clientAuthority: 'platform' });
    this.connections.listen('metrics', 9127, { metricsPath: '/metrics' });
    this.connections.allowTo(server);
    this.connections.allowToRange(apiServer);
    const tls = authority.issue(this.connections, { 'cnpg.io/reload': 'true' });

    // The operator fills this container and its init container in: they are found by these names.
    const size = resources({
      cpu: '50m',
      memory: formatBytes(MANAGER_MEMORY + budget.clientsPerPooler * CLIENT_MEMORY),
    });
    new PoolerResource(this, 'Resource', {
      metadata: { name },
      spec: {
        cluster: { name: cluster },
        type: 'rw',
        instances,
        // Alone, a pod makes way only for its successor. Among several, and one to a zone, there is no room for one more.
        deploymentStrategy: {
          type: 'RollingUpdate',
          rollingUpdate:
            instances === 1 ? { maxSurge: 1, maxUnavailable: 0 } : { maxSurge: 0, maxUnavailable: 1 },
        },
        pgbouncer: {
          image,
          poolMode: 'transaction',
          // Without a Secret for the server side the operator makes one, with the role and the function that belong to it.
          clientTLSSecret: { name: tls.secretName },
          clientCASecret: { name: TRUST_BUNDLE },
          parameters: poolerParameters(budget),
        },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            terminationGracePeriodSeconds: 60,
            enableServiceLinks: false,
            topologySpreadConstraints: spread(this.connections, spreading),
            initContainers: [{ name: 'bootstrap-controller', resources: size }],
            containers: [
              {
                name: 'pgbouncer',
                resources: size,
                livenessProbe: { tcpSocket: { port: 'pgbouncer' }, periodSeconds: 10, timeoutSeconds: 5 },
              },
            ],
          },
        },
      },
    });
    if (instances > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: this.connections.labels } },
      });
    }
  }
}

/** pgbouncer.ini, by the names in pgbouncer.org/config.html. */
export function poolerParameters({
  poolSize,
  clientsPerPooler,
}: Pick<ConnectionBudget, 'poolSize' | 'clientsPerPooler'>): Record<string, string> {
  return {
    max_client_conn: String(clientsPerPooler),
    default_pool_size: String(poolSize),
    // Nothing above the pools: what the budget does not know would be refused by PostgreSQL, at the worst moment.
    reserve_pool_size: '0',
    max_user_connections: String(poolSize),
    // Statements that clients prepare are prepared again on whatever connection runs them.
    max_prepared_statements: '200',
    // A password alone opens nothing.
    client_tls_sslmode: 'verify-ca',
    server_tls_sslmode: 'verify-full',
    // A client waits for a change of the primary, seconds, but not for ever.
    query_wait_timeout: '30',
    server_connect_timeout: '5',
    server_login_retry: '1',
    // A primary that vanished without a word is noticed in 25 s, and at once when something was sent to it.
    tcp_keepalive: '1',
    tcp_keepidle: '10',
    tcp_keepintvl: '5',
    tcp_keepcnt: '3',
    tcp_user_timeout: '15000',
  };
}
