import { Construct } from 'constructs';
import { Job, ServiceAccount } from '../../imports/k8s';
import { TRUST_FILE, trustVolume } from '../certificate-authority';
import type { Credential } from '../credentials';
import { ConfigFiles, contentHash } from '../platform/config-files';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import { JOB_DEADLINE_SECONDS, resources, RESTRICTED, restrictedPod } from '../platform/pod';
import { Role } from './roles';

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
    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      {
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
    const template = {
      metadata: { labels: this.connections.podLabels },
      spec: {
        restartPolicy: 'OnFailure' as const,
        serviceAccountName: account.name,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        // The image names no user; nobody will do.
        securityContext: restrictedPod(65534),
        containers: [
          {
            name: 'apply',
            image,
            command: ['python3', '/schema/apply.py'],
            env: [
              { name: 'WEAVIATE_URL', value: database.url('https') },
              { name: 'MEMBERS', value: String(members) },
              { name: 'SCHEMA_VERSION', value: String(SCHEMA_VERSION) },
              { name: 'TRUST', value: `/trust/${TRUST_FILE}` },
              { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
              { name: 'PYTHONUNBUFFERED', value: '1' },
            ],
            resources: resources({ cpu: '10m', memory: '64Mi' }),
            securityContext: RESTRICTED,
            volumeMounts: [
              { name: 'schema', mountPath: '/schema', readOnly: true },
              { name: 'keys', mountPath: '/keys', readOnly: true },
              { name: 'trust', mountPath: '/trust', readOnly: true },
            ],
          },
        ],
        volumes: [
          config.volume('schema'),
          { name: 'keys', projected: { defaultMode: 0o440, sources: [admin.file('schema')] } },
          trustVolume('trust'),
        ],
      },
    };
    new Job(this, 'Resource', {
      metadata: { name: `${name}-${contentHash(template)}` },
      spec: { backoffLimit: 6, activeDeadlineSeconds: JOB_DEADLINE_SECONDS, template },
    });
  }
}
