import { App } from 'cdk8s';
import { Construct } from 'constructs';
import { PhaseChart } from '../../charts/phase-chart';
import { CertificateAuthority } from '../../constructs/certificate-authority';
import type { CredentialsMaker } from '../../constructs/credentials';
import { type PlatformNamespace, PlatformNamespaces } from '../../constructs/platform-namespaces';
import { Connections } from '../../constructs/platform/connections';
import { NamespaceScope } from '../../constructs/platform/names';
import { type Manifest, manifestOf, objectsIn } from '../../constructs/platform/manifest';
import { VaultMtls } from '../../constructs/vault-mtls';
import type { SignOn } from '../../constructs/vault-mtls/configuration/sign-on';

/** Somebody who listens with a certificate of Vault's. */
export class Consumer extends Construct {
  readonly connections = new Connections(this, { name: 'consumer', component: 'server' });
  readonly endpoint = this.connections.listen('https', 8443);
}

/** What is printed of a platform with a Vault of one member. */
export interface Printed {
  /** How it is started. */
  readonly hcl: string;
  /** What it is told to hold. */
  readonly desired: string;
  /** Service accounts, and what lets Vault ask whose a token is. */
  readonly accounts: readonly Manifest[];
}

/** What constructs are built on. */
export interface Ground {
  readonly namespaces: PlatformNamespaces;
  readonly vaultNamespace: PlatformNamespace;
  readonly authority: CertificateAuthority;
  readonly maker: CredentialsMaker;
}

/** A Vault of one member, whoever needs something of it, and who signs people in to it. */
export function vaultFor(needs: (vault: VaultMtls, ground: Ground) => void, signOn?: SignOn): Printed {
  const app = new App();
  const namespaces = new PlatformNamespaces(new PhaseChart(app, 'foundation'), 'Namespaces', {});
  const vaultNamespace = namespaces.add('vault');
  const maker = { image: 'curl', apiServer: { name: 'Kubernetes API', cidr: '127.0.0.20/32', port: 6443 } };
  const authority = new CertificateAuthority(namespaces.existing('cert-manager'), 'lighthouse', {
    generations: [1],
    issuing: 1,
  });
  const vault = new VaultMtls(vaultNamespace, 'vault', {
    image: 'vault',
    scriptImage: 'python',
    members: 1,
    resources: { cpu: '100m', memory: '256Mi' },
    storage: '1Gi',
    seal: { kind: 'development' },
    signOn,
    maker,
    authority,
  });
  needs(vault, { namespaces, vaultNamespace, authority, maker });

  const manifests = objectsIn(app).map((node): Manifest => {
    const manifest = manifestOf(node);
    return { ...manifest, metadata: { namespace: NamespaceScope.of(node)?.name, ...manifest.metadata } };
  });
  const file = (name: string): string =>
    manifests
      .filter(({ kind }) => kind === 'ConfigMap')
      .map((manifest) => (manifest['data'] as Readonly<Record<string, string>>)[name] ?? '')
      .join('');
  return {
    hcl: file('vault.hcl'),
    desired: file('desired.json'),
    accounts: manifests.filter(({ kind }) => kind === 'ServiceAccount' || kind === 'ClusterRoleBinding'),
  };
}

/** One consumer of everything but logins of databases. */
export function consumers(signOn?: SignOn): Printed {
  return vaultFor((vault, { namespaces }) => {
    const consumer = namespaces.add('app');
    vault.secret(consumer, 'login', { entry: 'test/login', properties: ['password'] });
    const { connections, endpoint } = new Consumer(consumer, 'consumer');
    vault.issue(endpoint);
    vault.allowKey({ connections, account: 'consumer' }, 'backups', 'encrypt', 'decrypt');
  }, signOn);
}
