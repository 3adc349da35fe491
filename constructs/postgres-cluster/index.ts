import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { Cluster, ClusterSpec, Database, DatabaseRole } from '../../imports/postgresql.cnpg.io';
import { CertificateAuthority, tlsSecret, TRUST_BUNDLE } from '../certificate-authority';
import { Credential, Credentials, CredentialsMaker } from '../credentials';
import { Connections } from '../platform/connections';
import { Peer } from '../platform/peer';
import { Endpoint } from '../platform/endpoint';
import { SIDECARS } from '../platform/labels';
import { NamespaceScope, namespaceOf, objectName } from '../platform/names';
import { Resources, resources, spread, Spreading } from '../platform/pod';
import { parseQuantity } from '../platform/quantity';
import { archiveFolder, Backups, BACKUP_SIDECAR, PostgresBackup, RecoverySource } from './backups';
import { clientRules } from './client-rules';
import { ConnectionBudget, connectionBudget } from './connection-budget';
import { objectionTo } from './guards';
import { LENDER, PostgresLender, type PostgresLending } from './lender';
import { Pooler } from './pooler';
import { EventStoreSchema } from './schema';
import { parameters, StorageKind } from './tuning';

/** The volumes of one instance. */
export interface PostgresStorage {
  readonly storageClass: string;
  /** Size of the volume for the data. */
  readonly data: string;
  /** Size of the volume for the write-ahead log. */
  readonly wal: string;
  /**
   * What the class is made of.
   * @default 'ssd'
   */
  readonly kind?: StorageKind;
}

export interface PostgresClusterProps {
  /** PostgreSQL and PgBouncer, with exact tags. */
  readonly images: Readonly<Record<'postgres' | 'pgbouncer', string>>;
  readonly authority: CertificateAuthority;
  /** Makes the passwords; its API server is also the one that the operator's processes in the pods talk to. */
  readonly maker: CredentialsMaker;
  /** What the PostgreSQL container of one instance gets. */
  readonly resources: Resources;
  readonly storage: PostgresStorage;
  /** Connections that clients may hold open at the poolers, all together. */
  readonly clientConnections: number;
  /** Whole days that events are kept. */
  readonly eventRetentionDays: number;
  /**
   * Instances, one of them the primary: 1, or odd and at least 3.
   * @default 3
   */
  readonly instances?: number;
  /**
   * Pooler pods.
   * @default 2
   */
  readonly poolers?: number;
  /**
   * Whether instances and poolers must lie in different zones and nodes.
   * @default 'required'
   */
  readonly spreading?: Spreading;
  /**
   * Where backups and the write-ahead log go.
   * @default - nowhere: for tests only
   */
  readonly backup?: PostgresBackup;
  /**
   * Starts the cluster from another's backups as they were at a time. Only heeded when the cluster is made.
   * @default - empty
   */
  readonly recoverFrom?: RecoverySource;
  /**
   * Folder of the primary cluster's archive, of which this one is the standby in another region: it replays the
   * primary's log and takes no writes. A person makes it the primary by taking this away.
   * @default - this is the primary
   */
  readonly standbyOf?: string;
  /**
   * Namespaces of clients, which get copies of the writer's and the reader's credentials.
   * @default - none
   */
  readonly clients?: readonly NamespaceScope[];
  /**
   * Logins that read events, made and ended by Vault.
   * @default - none are lent
   */
  readonly lending?: PostgresLending;
}

/** Roles of the event store, as its SQL names them. */
const OWNER = 'lighthouse_owner';
const WRITER = 'lighthouse_writer';
const READER = 'lighthouse_reader';
const MIGRATOR = 'lighthouse_migrator';

const DATABASE = 'lighthouse';

/** The operator watches Secrets that carry this label. */
const RELOAD = { 'cnpg.io/reload': 'true' };

const OPERATOR: Peer = {
  namespace: 'cnpg-system',
  labels: { 'app.kubernetes.io/name': 'cloudnative-pg' },
  account: 'cloudnative-pg',
};

/** Seconds; the sum of a failed and a repeated shutdown stays far below any recovery time. */
const SHUTDOWN = {
  /** Waiting for clients to leave by themselves: a pooler's never do. */
  smart: 10,
  /** Ending connections, and handing the last of the log to standbys and archive. The operator's default is an hour. */
  fast: 300,
};

/**
 * PostgreSQL with the event store: instances that elect their primary themselves and acknowledge nothing that is not on
 * two of them, a pooler in front, roles with passwords nobody knows, and backups.
 *
 * Nobody gets in by a password alone. Certificates of the servers, and of the pooler's clients, come from the platform's
 * authority. Those by which standbys, poolers and the owner show themselves to the instances are signed by the operator's own,
 * which vouches for nothing else.
 *
 * @example
 * const postgres = new PostgresCluster(namespaces.add('postgres'), 'events', { images, authority, maker, … });
 * bridge.connections.allowTo(postgres.pooled);
 */
export class PostgresCluster extends Construct {
  readonly connections: Connections;
  /** The primary itself, for sessions: `LISTEN`, advisory locks, migrations; with a certificate that the operator signed. */
  readonly readWrite: Endpoint;
  /** The same for the migrator, by password alone: the operator signs for its own namespace only. */
  readonly migration: Endpoint;
  /** The standbys; where there is one instance only, that. Slightly behind the primary. */
  readonly readOnly: Endpoint;
  /** The primary by way of the pooler, in transaction mode: what applications use. */
  readonly pooled: Endpoint;
  readonly database = DATABASE;
  readonly credentials: Readonly<Record<'owner' | 'writer' | 'reader', Credential>>;
  /** How connections are shared out. */
  readonly budget: ConnectionBudget;
  /** The folder that this cluster archives to; undefined without backups. */
  readonly archive?: string;
  readonly instances: number;
  /** Connections that clients may hold open at the poolers, all together, with one pooler gone. */
  readonly clientConnections: number;
  /** Whether it follows the primary of another cluster. */
  readonly isStandby: boolean;
  /** Where backups go, and when; undefined without backups. */
  readonly backup?: PostgresBackup;
  /** What Vault lends logins by; undefined where none are lent. */
  readonly lender?: PostgresLender;
  private migrator?: Credential;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PostgresClusterProps,
  ) {
    super(scope, id);
    const { images, authority, maker, clients = [], backup, recoverFrom, standbyOf, lending } = props;
    const { instances = 3, poolers = 2, spreading = 'required' } = props;
    const objection = objectionTo({ ...props, instances, poolers });
    if (objection !== undefined) throw new Error(`${objection} (${this.node.path})`);

    this.instances = instances;
    this.clientConnections = props.clientConnections;
    this.isStandby = standbyOf !== undefined;
    this.backup = backup;
    const name = objectName(this);
    this.connections = new Connections(this, {
      name: 'postgresql',
      component: 'database',
      // Instances and the jobs that make them; the poolers' pods carry the first label too.
      operatorLabels: { 'cnpg.io/cluster': name, 'app.kubernetes.io/component': 'database' },
    });
    const service = (kind: string): string =>
      this.connections.host.replace(this.connections.serviceName, `${name}-${kind}`);
    const clientAuthority = 'own';
    this.readWrite = this.connections.listen('postgresql', 5432, { host: service('rw'), clientAuthority });
    this.readOnly = this.connections.listen('read-only', 5432, {
      host: service(instances > 1 ? 'ro' : 'r'),
      clientAuthority,
    });
    this.migration = new Endpoint(this.connections, 'migration', 5432, service('rw'));
    const status = this.connections.listen('status', 8000);
    this.connections.listen('metrics', 9187, { metricsPath: '/metrics' });
    this.connections.allowTo(this.readWrite, status);
    for (const endpoint of [this.readWrite, status]) this.connections.allowFrom(OPERATOR, endpoint);
    this.connections.allowToRange(maker.apiServer);
    backup?.bucket.allowFrom(this.connections);

    const owner = new Credentials(this, 'Owner', { maker, users: [OWNER], labels: RELOAD });
    const users = new Credentials(this, 'Users', {
      maker,
      users: [WRITER, READER],
      labels: RELOAD,
      copies: clients.filter((client) => client.name !== namespaceOf(this)),
    });
    this.credentials = { owner: owner.of(OWNER), writer: users.of(WRITER), reader: users.of(READER) };
    this.budget = connectionBudget({
      cores: parseQuantity(props.resources.cpu),
      poolers,
      clientConnections: props.clientConnections,
      lentLogins: lending?.logins,
    });

    const tls = authority.issue(this.connections, RELOAD);
    const backups = backup && new Backups(this, 'Backups', name, backup);
    this.archive = backup && archiveFolder(backup.serverName, recoverFrom);
    new Cluster(this, 'Resource', {
      metadata: {
        name,
        ...(backups ? { annotations: { [SIDECARS]: JSON.stringify(resources(BACKUP_SIDECAR)) } } : {}),
      },
      spec: {
        instances,
        imageName: images.postgres,
        resources: resources(props.resources),
        ...this.placement(props.storage, spreading),
        ...this.lifecycle(instances),
        ...this.origin(backups, recoverFrom, standbyOf),
        certificates: { serverTLSSecret: tls.secretName, serverCASecret: TRUST_BUNDLE },
        managed: {
          roles: Lazy.any({
            produce: () =>
              managedRoles(this.credentials, this.budget.roles, this.migrator).concat(
                lending ? [] : { name: LENDER, ensure: 'absent' },
              ),
          }),
        },
        postgresql: {
          parameters: this.parameters(props),
          pg_hba: Lazy.any({ produce: () => clientRules(OWNER, this.migrator ? [MIGRATOR] : []) }),
          ...(instances > 1
            ? {
                synchronous: {
                  method: 'any' as const,
                  number: 1,
                  dataDurability: 'required' as const,
                  failoverQuorum: true,
                },
              }
            : {}),
        },
      },
    });
    // A role of its own kind: for these the operator signs certificates. The database begins with it, and nobody drops it.
    const ownerRole = `${name}-owner`;
    new DatabaseRole(this, 'OwnerRole', {
      metadata: { name: ownerRole },
      spec: {
        name: OWNER,
        cluster: { name },
        login: true,
        connectionLimit: this.budget.roles.owner,
        passwordSecret: { name: this.credentials.owner.secretName },
        clientCertificate: { enabled: true },
        databaseRoleReclaimPolicy: 'retain',
      },
    });
    new Database(this, 'Database', {
      metadata: { name: `${name}-${DATABASE}` },
      spec: {
        name: DATABASE,
        owner: OWNER,
        cluster: { name },
        ensure: 'present',
        databaseReclaimPolicy: 'retain',
      },
    });

    this.pooled = new Pooler(this, 'Pool', {
      image: images.pgbouncer,
      cluster: name,
      server: this.readWrite,
      authority,
      apiServer: maker.apiServer,
      instances: poolers,
      budget: this.budget,
      spreading,
    }).endpoint;
    this.lender =
      lending &&
      new PostgresLender(this, 'Lender', {
        ...lending,
        maker,
        labels: RELOAD,
        cluster: name,
        database: DATABASE,
        endpoint: this.pooled,
        connectionLimit: this.budget.roles.lender,
      });
    // A standby has the schema by replication and refuses writes.
    if (standbyOf === undefined) {
      new EventStoreSchema(this, 'Schema', {
        image: images.postgres,
        server: this.readWrite,
        database: DATABASE,
        owner: this.credentials.owner,
        certificate: tlsSecret(`${ownerRole}-client-cert`),
        retentionDays: props.eventRetentionDays,
        also: lending ? ['lender.sql'] : [],
      });
    }
  }

  /**
   * A login that acts as the owner while an older event store is moved in; a namespace gets a copy of its Secret. The
   * owner's own password stays here. Once nobody asks for it any more the role is dropped.
   */
  migratorFor(client: NamespaceScope): Credential {
    const { maker } = this.props;
    const users = new Credentials(this, 'Migrator', {
      maker,
      users: [MIGRATOR],
      labels: RELOAD,
      copies: [client],
    });
    return (this.migrator = users.of(MIGRATOR));
  }

  private parameters({ resources: { cpu, memory }, storage, backup }: PostgresClusterProps) {
    try {
      return parameters({
        memory: parseQuantity(memory),
        cores: parseQuantity(cpu),
        walVolume: parseQuantity(storage.wal),
        storageKind: storage.kind ?? 'ssd',
        maxConnections: this.budget.maxConnections,
        superuserReserved: this.budget.superuserReserved,
        recoveryPointMinutes: backup?.recoveryPointMinutes,
      });
    } catch (error) {
      throw new Error(`${(error as Error).message} (${this.node.path})`, { cause: error });
    }
  }

  private placement(
    { storageClass, data, wal }: PostgresStorage,
    spreading: Spreading,
  ): Partial<ClusterSpec> {
    return {
      storage: { storageClass, size: data },
      walStorage: { storageClass, size: wal },
      affinity: {
        enablePodAntiAffinity: true,
        podAntiAffinityType: spreading,
        topologyKey: 'kubernetes.io/hostname',
      },
      topologySpreadConstraints: spread(this.connections, spreading),
    };
  }

  private lifecycle(instances: number): Partial<ClusterSpec> {
    return {
      enableSuperuserAccess: false,
      // The budget of a single instance would never let its node be drained.
      enablePDB: instances > 1,
      primaryUpdateStrategy: 'unsupervised',
      primaryUpdateMethod: instances > 1 ? 'switchover' : 'restart',
      smartShutdownTimeout: SHUTDOWN.smart,
      stopDelay: SHUTDOWN.fast,
      switchoverDelay: SHUTDOWN.fast,
      probes: {
        // Crash recovery replays as much as max_wal_size: half an hour for it, then the kubelet tries again.
        startup: { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 180 },
        liveness: {
          periodSeconds: 10,
          timeoutSeconds: 5,
          failureThreshold: 3,
          // A primary that sees neither the API server nor another instance stops itself: a second one may be elected.
          isolationCheck: { enabled: true, requestTimeout: 1000, connectionTimeout: 1000 },
        },
        readiness: { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
      },
      ...(instances > 1 ? { replicationSlots: { highAvailability: { enabled: true } } } : {}),
    };
  }

  /** Where the data comes from, and where the log goes. */
  private origin(
    backups: Backups | undefined,
    recoverFrom: RecoverySource | undefined,
    standbyOf: string | undefined,
  ): Partial<ClusterSpec> {
    const secret = { name: this.credentials.owner.secretName };
    const application = { database: DATABASE, owner: OWNER, secret };
    const own = this.archive;
    if (!backups || own === undefined) {
      return { bootstrap: { initdb: { ...application, dataChecksums: true } } };
    }
    if (standbyOf !== undefined) {
      return {
        ...backups.archive(own),
        bootstrap: { recovery: { ...application, source: standbyOf } },
        externalClusters: [backups.source(own), backups.source(standbyOf)],
        replica: { self: own, primary: standbyOf, source: standbyOf },
      };
    }
    if (recoverFrom) {
      const { serverName, targetTime } = recoverFrom;
      return {
        ...backups.archive(own),
        bootstrap: { recovery: { ...application, source: serverName, recoveryTarget: { targetTime } } },
        externalClusters: [backups.source(serverName)],
      };
    }
    return {
      ...backups.archive(own),
      bootstrap: { initdb: { ...application, dataChecksums: true } },
    };
  }
}

/** Compared with the database all the time: what a hand changed is changed back. */
function managedRoles(
  { writer, reader }: PostgresCluster['credentials'],
  limits: ConnectionBudget['roles'],
  migrator: Credential | undefined,
): NonNullable<NonNullable<ClusterSpec['managed']>['roles']>[number][] {
  const role = ({ user, secretName }: Credential, connectionLimit: number) => ({
    name: user,
    ensure: 'present' as const,
    login: true,
    connectionLimit,
    passwordSecret: { name: secretName },
  });
  return [
    role(writer, limits.writer),
    role(reader, limits.reader),
    migrator
      ? { ...role(migrator, limits.migrator), inRoles: [OWNER] }
      : { name: MIGRATOR, ensure: 'absent' as const },
  ];
}
