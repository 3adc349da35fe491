import { App } from 'cdk8s';
import { Construct } from 'constructs';
import { PhaseChart } from '../../charts/phase-chart';
import { CertificateAuthority } from '../../constructs/certificate-authority';
import { PlatformNamespaces } from '../../constructs/platform-namespaces';
import { Connections } from '../../constructs/platform/connections';
import { VaultMtls } from '../../constructs/vault-mtls';

/** Somebody who listens with a certificate of Vault's. */
class Consumer extends Construct {
  readonly connections = new Connections(this, { name: 'consumer', component: 'server' });
  readonly endpoint = this.connections.listen('https', 8443);
}

/** A Vault of one member, and one consumer of everything that it has: how it is started, and what it is told to hold. */
export function consumers(): { readonly hcl: string; readonly desired: string } {
  const app = new App();
  const namespaces = new PlatformNamespaces(new PhaseChart(app, 'foundation'), 'Namespaces', {});
  const vault = new VaultMtls(namespaces.add('vault'), 'vault', {
    image: 'vault',
    scriptImage: 'python',
    members: 1,
    resources: { cpu: '100m', memory: '256Mi' },
    storage: '1Gi',
    seal: { kind: 'development' },
    maker: { image: 'curl', apiServer: { name: 'Kubernetes API', cidr: '127.0.0.20/32', port: 6443 } },
    authority: new CertificateAuthority(namespaces.existing('cert-manager'), 'lighthouse', {
      generations: [1],
      issuing: 1,
    }),
  });
  const consumer = namespaces.add('app');
  vault.secret(consumer, 'login', { entry: 'test/login', properties: ['password'] });
  const { connections, endpoint } = new Consumer(consumer, 'consumer');
  vault.issue(endpoint);
  vault.allowKey({ connections, account: 'consumer' }, 'backups', 'encrypt', 'decrypt');

  const files = app.charts.flatMap((chart) =>
    (chart.toJson() as readonly { kind: string; data?: Record<string, string> }[]).flatMap(
      ({ kind, data }) => (kind === 'ConfigMap' && data ? [data] : []),
    ),
  );
  const file = (name: string): string => files.flatMap((data) => data[name] ?? []).join('');
  return { hcl: file('vault.hcl'), desired: file('desired.json') };
}
