import { Construct } from 'constructs';
import type { Volume } from '../../imports/k8s';
import { certificate, CertificateAuthority, spellingsOf, TlsSecret } from '../certificate-authority';
import type { CredentialsMaker } from '../credentials';
import type { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import type { Resources, Spreading } from '../platform/pod';
import { fetchSecret, propertiesOf, type SecretSource, type StoreReference } from '../platform/secret-source';
import { keyEntries, VaultIssuer, VaultStore } from './clients';
import { VaultConfiguration } from './configuration';
import { MOUNTS, Needs } from './configuration/needs';
import type { SignOn } from './configuration/sign-on';
import { credentialsPath, leaseEntries, type Lender, LONGEST_LEASE } from './leases';
import { Members } from './members';
import { OutsideKey, type Seal } from './seal';
import { Snapshots, type VaultBackup } from './snapshots';
import { Unsealer } from './unsealer';

export interface VaultMtlsProps {
  /** Vault image, with an exact tag or a digest. */
  readonly image: string;
  /**
   * Members: 1, or odd and at least 3 so that a majority exists.
   * @default 3
   */
  readonly members?: number;
  /** CPU and memory of one member. */
  readonly resources: Resources;
  /** Volume of one member, such as `10Gi`. */
  readonly storage: string;
  /**
   * Storage class of the volumes.
   * @default - the cluster's own
   */
  readonly storageClass?: string;
  /**
   * Whether members must be in different zones or may share one.
   * @default 'required'
   */
  readonly spreading?: Spreading;
  /**
   * Who opens members when they start. `development` keeps the key beside the lock, in a Secret of the same namespace: for one
   * member, on a machine whose secrets are worth nothing.
   */
  readonly seal: Seal;
  /**
   * Where snapshots go.
   * @default - none are taken
   */
  readonly backup?: VaultBackup;
  /**
   * Who signs people in.
   * @default - nobody: people get in by a root token alone
   */
  readonly signOn?: SignOn;
  /** Image with Python 3, for what configures Vault. */
  readonly scriptImage: string;
  readonly maker: CredentialsMaker;
  readonly authority: CertificateAuthority;
}

/** One entry of the KV engine. */
export interface VaultSecretProps {
  /** Its path, such as `lighthouse/production/grafana`. */
  readonly entry: string;
  readonly properties: readonly string[];
}

/** Pods that log in to Vault themselves. */
export interface VaultClient {
  readonly connections: Connections;
  /** The service account that they run as, and nobody else. */
  readonly account: string;
}

/** A Secret with a file for each property. */
export interface VaultSecret {
  readonly secretName: string;
  /** The Secret as a pod volume, readable by the pod's group alone. */
  volume(name: string): Volume;
}

/**
 * Vault with integrated storage, over TLS from its first moment.
 *
 * Who uses it: `vault.api` is the endpoint to connect to, with the platform's trust bundle.
 *
 * @example
 * const vault = new VaultMtls(namespaces.add('vault'), 'vault', { image, resources, storage: '10Gi', seal, maker, authority });
 * program.connections.allowTo(vault.api);
 */
export class VaultMtls extends Construct implements SecretSource {
  /** Members, each a voter. */
  readonly size: number;
  /** Who opens its members. */
  readonly seal: Seal['kind'];
  private readonly members: Members;
  private readonly needs = new Needs();
  private readonly lenders = new Map<string, Lender>();
  private readonly authority: CertificateAuthority;
  private issuing?: TlsSecret;

  constructor(scope: Construct, id: string, props: VaultMtlsProps) {
    super(scope, id);
    const { members = 3, spreading = 'required', seal, backup, signOn, maker, authority } = props;
    if (!Number.isInteger(members) || members < 1 || members % 2 === 0) {
      throw new Error(
        `${this.node.path}: members must be 1, or odd and at least 3 for a majority, got ${members}; write for example 3`,
      );
    }
    if (seal.kind === 'development' && members > 1) {
      throw new Error(
        `${this.node.path}: seal development opens one member, got ${members}; write members: 1, or one of awskms, gcpckms, azurekeyvault, transit`,
      );
    }
    this.authority = authority;
    this.size = members;
    this.seal = seal.kind;
    const { image, resources, storage, storageClass } = props;
    const key = seal.kind === 'development' ? undefined : new OutsideKey(this, 'Seal', seal);
    this.members = new Members(this, 'Members', {
      image,
      members,
      resources,
      storage,
      storageClass,
      spreading,
      apiServer: maker.apiServer,
      issue: (connections) => authority.issue(connections),
      key,
      outside: [...(key?.ranges ?? []), ...(signOn ? [signOn.range] : [])],
    });
    if (seal.kind === 'development') {
      new Unsealer(this, 'Unsealer', {
        maker,
        member: this.members.peer,
        memberHost: this.members.connections.podHost(0),
      });
    }
    const { api, peer } = this.members;
    new VaultConfiguration(this, 'Configuration', {
      image: props.scriptImage,
      api,
      needs: this.needs,
      issuing: () => this.issuing,
      lenders: () => [...this.lenders.values()],
      signOn,
    });
    if (backup) {
      new Snapshots(this, 'Snapshots', { ...backup, image, api, peer });
    }
  }

  /**
   * Lets external-secrets read entries of Vault's KV engine for a construct, each by its whole path, and no others.
   *
   * @example fetchSecret(this, 'Resource', { source: vault, values: propertiesOf('lighthouse/production/login', ['password']) })
   */
  storeFor(construct: Construct, entries: readonly string[]): StoreReference {
    return new VaultStore(construct, 'Store', { api: this.api, needs: this.needs, entries }).reference;
  }

  /**
   * An entry of Vault's KV engine as a Secret: its properties as files for a pod, which sees a new value within the hour. A
   * program that reads its files once has to be started anew.
   */
  secret(scope: Construct, id: string, { entry, properties }: VaultSecretProps): VaultSecret {
    const own = new Construct(scope, id);
    const secretName = fetchSecret(own, 'Resource', {
      source: this,
      values: propertiesOf(entry, properties),
    });
    return { secretName, volume: (name) => ({ name, secret: { secretName, defaultMode: 0o440 } }) };
  }

  /** A certificate for the names of an endpoint, signed by Vault below the platform's own root, renewed by cert-manager. */
  issue(endpoint: Endpoint): TlsSecret {
    const { construct } = endpoint.owner;
    this.issuing ??= this.authority.delegate(this, 'Issuing');
    const { api, needs } = this;
    const { reference } = new VaultIssuer(construct, `Vault-${endpoint.name}`, { api, needs, endpoint });
    const names = { dnsNames: spellingsOf(endpoint.host), usages: ['server auth' as const] };
    return certificate(construct, `${endpoint.name}-tls`, {}, names, reference);
  }

  /**
   * Lets pods encrypt or decrypt with a key that no one is shown and that is another every quarter; what older ones encrypted is
   * still read. They log in by themselves: with the token of `tokenVolume`, as role `roleOf(account)`.
   */
  allowKey(client: VaultClient, key: string, ...uses: readonly ('encrypt' | 'decrypt')[]): void {
    const { connections, account } = client;
    connections.allowTo(this.api);
    this.needs.declare('transit', ...keyEntries(key));
    const paths = uses.map((use) => ({
      path: `${MOUNTS.transit}/${use}/${key}`,
      capabilities: ['update'] as const,
    }));
    this.needs.allow({ namespace: connections.namespace, name: account }, ...paths);
  }

  /**
   * Lends pods a login of a database: for a quarter of an hour, and again until an hour is over, as long as they are logged in to
   * Vault and say that they still need it. They log in by themselves, as for `allowKey`, and read the path that is given here.
   */
  lease({ connections, account }: VaultClient, lender: Lender): string {
    const { endpoint, name } = lender;
    const path = credentialsPath(lender);
    this.lenders.set(name, lender);
    this.members.connections.allowTo(endpoint);
    connections.allowTo(this.api, endpoint);
    this.needs.declare('database', ...leaseEntries(lender));
    const borrower = { namespace: connections.namespace, name: account };
    this.needs.allow(borrower, { path, capabilities: ['read'] });
    // What is lent ends with the login that asked for it.
    this.needs.stay(borrower, LONGEST_LEASE);
    return path;
  }

  /** HTTPS, at members that are open. */
  get api(): Endpoint {
    return this.members.api;
  }

  /** One member each, whether open or not, by the names of the pods below this host. */
  get peer(): Endpoint {
    return this.members.peer;
  }
}
