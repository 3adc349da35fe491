import { Construct } from 'constructs';
import type { CertificateAuthority } from '../certificate-authority';
import type { CredentialsMaker } from '../credentials';
import type { Endpoint } from '../platform/endpoint';
import type { Resources, Spreading } from '../platform/pod';
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
  readonly maker: CredentialsMaker;
  readonly authority: CertificateAuthority;
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
export class VaultMtls extends Construct {
  /** Members, each a voter. */
  readonly size: number;
  /** Who opens its members. */
  readonly seal: Seal['kind'];
  private readonly members: Members;

  constructor(scope: Construct, id: string, props: VaultMtlsProps) {
    super(scope, id);
    const { members = 3, spreading = 'required', seal, backup, maker, authority } = props;
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
    this.size = members;
    this.seal = seal.kind;
    const { image, resources, storage, storageClass } = props;
    this.members = new Members(this, 'Members', {
      image,
      members,
      resources,
      storage,
      storageClass,
      spreading,
      apiServer: maker.apiServer,
      issue: (connections) => authority.issue(connections),
      ...(seal.kind === 'development' ? {} : { key: new OutsideKey(this, 'Seal', seal) }),
    });
    if (seal.kind === 'development') {
      new Unsealer(this, 'Unsealer', {
        maker,
        member: this.members.peer,
        memberHost: this.members.connections.podHost(0),
      });
    }
    if (backup) {
      const { api, peer } = this.members;
      new Snapshots(this, 'Snapshots', { ...backup, image, api, peer });
    }
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
