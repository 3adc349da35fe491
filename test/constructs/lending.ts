import { Construct } from 'constructs';
import { Connections } from '../../constructs/platform/connections';
import { namespaceAround } from '../../constructs/platform/names';
import { withoutToken } from '../../constructs/platform/pod';
import { PostgresCluster, type PostgresClusterProps } from '../../constructs/postgres-cluster';
import type { VaultMtls } from '../../constructs/vault-mtls';
import { tokenVolume } from '../../constructs/vault-mtls/admission';
import type { Lender } from '../../constructs/vault-mtls/leases';
import { Deployment } from '../../imports/k8s';
import type { Ground } from '../support';
import { vaultOn } from './vault';

/** What a cluster cannot be without. */
export const required = ({
  authority,
  maker,
}: Ground): Pick<
  PostgresClusterProps,
  'images' | 'authority' | 'maker' | 'resources' | 'storage' | 'clientConnections' | 'eventRetentionDays'
> => ({
  images: {
    postgres: 'ghcr.io/cloudnative-pg/postgresql:18.4-system-trixie',
    pgbouncer: 'ghcr.io/cloudnative-pg/pgbouncer:1.25.1',
  },
  authority,
  maker,
  resources: { cpu: '1', memory: '4Gi' },
  storage: { storageClass: 'ssd', data: '10Gi', wal: '4Gi' },
  clientConnections: 300,
  eventRetentionDays: 30,
});

/** A program that is lent a login. */
class Borrower extends Construct {
  readonly connections = new Connections(this, { name: 'borrower', component: 'reader' });

  constructor(scope: Construct, id: string, { authority }: Ground) {
    super(scope, id);
    const { labels, podLabels } = this.connections;
    const tls = authority.issue(this.connections);
    new Deployment(this, 'Resource', {
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: podLabels },
          spec: {
            ...withoutToken(this),
            containers: [
              {
                name: 'borrower',
                image: 'registry.example.com/borrower:1.0.0',
                volumeMounts: [
                  { name: 'token', mountPath: '/token' },
                  { name: 'tls', mountPath: '/tls' },
                ],
              },
            ],
            volumes: [tokenVolume('token'), tls.volume('tls')],
          },
        },
      },
    });
  }
}

/** A Vault that lends logins of a cluster to one program. */
export function lendingOn(
  ground: Ground,
  logins = 5,
): { vault: VaultMtls; postgres: PostgresCluster; lender: Lender } {
  const vault = vaultOn(ground, { members: 1, seal: { kind: 'development' } });
  const postgres = new PostgresCluster(ground.namespaces.add('postgres'), 'events', {
    ...required(ground),
    lending: { by: namespaceAround(vault), logins },
  });
  const { lender } = postgres;
  if (!lender) throw new Error('there is no lender');
  const { connections } = new Borrower(ground.namespaces.add('app'), 'borrower', ground);
  vault.lease({ connections, account: 'borrower' }, lender);
  return { vault, postgres, lender };
}
