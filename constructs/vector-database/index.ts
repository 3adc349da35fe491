import { Construct } from 'constructs';
import type { CertificateAuthority } from '../certificate-authority';
import { Credentials, CredentialsMaker } from '../credentials';
import type { Bucket } from '../platform/bucket';
import type { NamespaceScope } from '../platform/names';
import type { Resources, Spreading } from '../platform/pod';
import { BackupJob } from './backup-job';
import type { Embeddings } from './embeddings';
import { Members } from './members';
import { BACKUP, BRIDGE, peoplesRoles, READER } from './roles';
import { SchemaJob } from './schema-job';
import type { SignOn } from './sign-on';

export interface VectorDatabaseProps {
  /** Weaviate image, with an exact tag or a digest. */
  readonly image: string;
  /** Image with Python 3, for the jobs that apply the schema and start backups. */
  readonly scriptImage: string;
  /**
   * Members: 1, or odd and at least 3 so that a majority exists. Every collection has three copies, or one where there
   * is one member. The number of copies of what is there already does not follow.
   * @default 3
   */
  readonly members?: number;
  /** CPU and memory of one member. */
  readonly resources: Resources;
  /** Volume of one member, such as `100Gi`. */
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
  /** What turns texts into vectors. */
  readonly embeddings: Embeddings;
  readonly maker: CredentialsMaker;
  readonly authority: CertificateAuthority;
  /**
   * Namespaces whose applications get the keys of `bridge` and `reader`.
   * @default - none
   */
  readonly clients?: readonly NamespaceScope[];
  /**
   * Bucket for backups.
   * @default - no backups
   */
  readonly backup?: Bucket;
  /**
   * When backups are made: a cron expression of five fields, in UTC.
   * @default '15 0,6,12,18 * * *'
   */
  readonly backupSchedule?: string;
  /**
   * Who signs people in.
   * @default - nobody: keys alone are let in
   */
  readonly signOn?: SignOn;
}

/**
 * Weaviate with its schema: code context, decisions and patterns, found by meaning and by words. Every request needs a
 * key; an application's key reads and writes objects and nothing else.
 */
export class VectorDatabase extends Construct {
  /** Keys of applications: `bridge` reads and writes objects, `reader` reads them. */
  readonly users: Credentials<'bridge' | 'reader'>;
  /** Members, each a voter. */
  readonly size: number;
  private readonly members: Members;

  constructor(scope: Construct, id: string, props: VectorDatabaseProps) {
    super(scope, id);
    const { members = 3, spreading = 'required', maker, authority, embeddings } = props;
    if (!Number.isInteger(members) || members < 1 || members % 2 === 0) {
      throw new Error(
        `${this.node.path}: members must be 1, or odd and at least 3 for a majority, got ${members}; write for example 3`,
      );
    }
    this.size = members;
    const owners = new Credentials(this, 'Owners', { maker, users: ['schema', 'cluster', 'backup'] });
    this.users = new Credentials(this, 'Users', {
      maker,
      users: ['bridge', 'reader'],
      copies: props.clients,
    });
    const { image, resources, storage, storageClass, backup, signOn } = props;
    this.members = new Members(this, 'Members', {
      image,
      members,
      resources,
      storage,
      storageClass,
      spreading,
      embeddings: embeddings.endpoint,
      cluster: owners.of('cluster'),
      users: [owners.of('schema'), this.users.of('bridge'), this.users.of('reader'), owners.of('backup')],
      issue: (connections) => authority.issue(connections),
      backup,
      signOn,
    });
    new SchemaJob(this, 'Schema', {
      image: props.scriptImage,
      database: this.members.rest,
      members,
      admin: owners.of('schema'),
      roles: [BRIDGE, READER, BACKUP, ...(signOn ? peoplesRoles(signOn.groups) : [])],
    });
    if (backup) {
      new BackupJob(this, 'Backup', {
        image: props.scriptImage,
        database: this.members.rest,
        user: owners.of('backup'),
        schedule: props.backupSchedule ?? '15 0,6,12,18 * * *',
      });
    }
  }

  /** HTTPS. */
  get rest() {
    return this.members.rest;
  }

  /** gRPC over TLS. */
  get grpc() {
    return this.members.grpc;
  }
}
