import { Construct } from 'constructs';
import { Job, ServiceAccount } from '../../imports/k8s';
import type { Credential } from '../credentials';
import { ConfigFiles, contentHash } from '../platform/config-files';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import { JOB_DEADLINE_SECONDS } from '../platform/pod';
import { Role } from './roles';
import { scriptPod } from './script-pod';

export interface SchemaJobProps {
  /** Image with Python 3. */
  readonly image: string;
  readonly database: Endpoint;
  /** Members that must be healthy before a collection is made. */
  readonly members: number;
  /** Who may change the schema. */
  readonly admin: Credential;
  readonly roles: readonly Role[];
}

/** Goes up with every change of a file named `collection-*`: what is recorded may only go up. */
export const SCHEMA_VERSION = 1;

/** More copies than three cost memory and protect from nothing that a platform over three zones knows. */
const MAX_REPLICAS = 3;

/** Brings the collections and roles to what the files in `schema/` and the roles say; refuses what cannot be changed. */
export class SchemaJob extends Construct {
  readonly connections = new Connections(this, { name: 'weaviate-schema', component: 'schema' });

  constructor(scope: Construct, id: string, props: SchemaJobProps) {
    super(scope, id);
    const { image, database, members, admin, roles } = props;
    this.connections.allowTo(database);
    const replication = {
      factor: Math.min(MAX_REPLICAS, members),
      deletionStrategy: 'TimeBasedResolution',
    };
    const files = new ConfigFiles(
      this,
      'Config',
      __dirname,
      {
        'rest.py': {},
        'schema/apply.py': {},
        'schema/collection-code-context.json': {},
        'schema/collection-decision.json': {},
        'schema/collection-pattern.json': {},
        'schema/collection-schema-version.json': {},
      },
      {
        'replication.json': JSON.stringify(replication),
        ...Object.fromEntries(roles.map((role) => [`role-${role.name}.json`, JSON.stringify(role)])),
      },
    );
    const name = objectName(this);
    const account = new ServiceAccount(this, 'Account', {
      metadata: { name },
      automountServiceAccountToken: false,
    });
    const template = scriptPod({
      image,
      connections: this.connections,
      serviceAccountName: account.name,
      files,
      script: 'apply.py',
      database,
      user: admin,
      env: [
        { name: 'MEMBERS', value: String(members) },
        { name: 'SCHEMA_VERSION', value: String(SCHEMA_VERSION) },
      ],
    });
    new Job(this, 'Resource', {
      metadata: { name: `${name}-${contentHash(template)}` },
      spec: { backoffLimit: 6, activeDeadlineSeconds: JOB_DEADLINE_SECONDS, template },
    });
  }
}
