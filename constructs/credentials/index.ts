import { Construct } from 'constructs';
import { EnvVar, Job, Role, RoleBinding, SecretProjection, ServiceAccount } from '../../imports/k8s';
import { ConfigFiles, contentHash } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { AddressRange } from '../platform/peer';
import { CLUSTER_DOMAIN } from '../platform/endpoint';
import { MAKES } from '../platform/labels';
import { NamespaceScope, namespaceOf, objectName } from '../platform/names';
import { JOB_DEADLINE_SECONDS, NOBODY, resources, RESTRICTED, restrictedPod } from '../platform/pod';

/** A user name and its password in a Secret (`username`, `password`). */
export class Credential {
  constructor(
    /** The user, as the server knows it. */
    readonly user: string,
    readonly secretName: string,
  ) {}

  /** The password as a file of a projected volume. */
  file(path: string): { readonly secret: SecretProjection } {
    return { secret: { name: this.secretName, items: [{ key: 'password', path }] } };
  }

  /** The password as an environment variable, for programs that read it from nowhere else. */
  env(name: string, key: 'username' | 'password' = 'password'): EnvVar {
    return { name, valueFrom: { secretKeyRef: { name: this.secretName, key } } };
  }
}

/** Where credentials are made, and by what: the same for all of a cluster. */
export interface CredentialsMaker {
  /** Image with curl and a shell. */
  readonly image: string;
  /** The Kubernetes API server, as pods reach it. */
  readonly apiServer: AddressRange;
}

export interface CredentialsProps<User extends string> {
  readonly maker: CredentialsMaker;
  /** Users of one service; each gets a Secret `<name>-<user>`. */
  readonly users: readonly User[];
  /**
   * Namespaces of clients that get a copy of all of them.
   * @default - only this construct's own
   */
  readonly copies?: readonly NamespaceScope[];
  /**
   * Labels of the Secrets, such as those an operator looks for.
   * @default - none
   */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Passwords that nobody needs to know: made inside the cluster, once, by a Job that may create Secrets and neither read
 * nor overwrite them. They never pass through Git, arguments or logs. To rotate one, delete its Secret and the Job.
 *
 * @example
 * const users = new Credentials(this, 'Users', { maker, users: ['bridge', 'probe'] });
 * const password = users.of('bridge').file('bridge');
 */
export class Credentials<User extends string> extends Construct {
  private readonly credentials: ReadonlyMap<User, Credential>;

  constructor(scope: Construct, id: string, props: CredentialsProps<User>) {
    super(scope, id);
    const { maker, users, copies = [], labels = {} } = props;
    if (users.length === 0 || new Set(users).size < users.length) {
      throw new Error(
        `${this.node.path}: users must be one or more different names, got "${users.join(', ')}"`,
      );
    }
    const connections = new Connections(this, { name: 'credentials', component: 'maker' });
    connections.allowToRange(maker.apiServer);

    const name = objectName(this);
    // A user of a database may have underscores, which the name of a Secret may not.
    const secretName = (user: User): string => `${name}-${user.replaceAll('_', '-')}`;
    this.credentials = new Map(users.map((user) => [user, new Credential(user, secretName(user))]));
    const namespaces = [namespaceOf(this), ...copies.map((copy) => copy.name)];
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const lines = users.map(
      (user) => `${secretName(user)} ${user} ${pairs.join(',') || '-'} ${namespaces.join(' ')}\n`,
    );
    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      { 'create.sh': { CLUSTER_DOMAIN } },
      { users: lines.join('') },
    );

    const account = new ServiceAccount(this, 'Account', {
      metadata: { name },
      automountServiceAccountToken: false,
    });
    for (const namespace of namespaces) this.allowCreation(namespace, account.name);
    const makes = [...this.credentials.values()].flatMap(({ secretName }) =>
      namespaces.map((namespace) => `Secret/${namespace}/${secretName}:username:password`),
    );
    this.job(maker.image, config, account.name, connections.podLabels, makes);
  }

  /** One user's credential. */
  of(user: User): Credential {
    const credential = this.credentials.get(user);
    if (!credential)
      throw new Error(
        `${this.node.path}: no user "${user}"; there are ${[...this.credentials.keys()].join(', ')}`,
      );
    return credential;
  }

  private allowCreation(namespace: string, account: string): void {
    const own = namespaceOf(this);
    const metadata = { namespace, name: namespace === own ? objectName(this) : `${own}-${objectName(this)}` };
    new Role(this, `Create-${namespace}`, {
      metadata,
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }],
    });
    new RoleBinding(this, `MayCreate-${namespace}`, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: own }],
    });
  }

  private job(
    image: string,
    config: ConfigFiles,
    serviceAccountName: string,
    labels: Readonly<Record<string, string>>,
    makes: readonly string[],
  ): void {
    const template = {
      metadata: { labels },
      spec: {
        restartPolicy: 'OnFailure' as const,
        serviceAccountName,
        automountServiceAccountToken: true,
        securityContext: restrictedPod(NOBODY),
        containers: [
          {
            name: 'create',
            image,
            command: ['/bin/sh', '/config/create.sh'],
            securityContext: RESTRICTED,
            resources: resources({ cpu: '10m', memory: '32Mi' }),
            volumeMounts: [
              { name: 'config', mountPath: '/config', readOnly: true },
              { name: 'work', mountPath: '/work' },
            ],
          },
        ],
        volumes: [
          config.volume('config'),
          { name: 'work', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        ],
      },
    };
    // A Job's template cannot be changed: what changed is a new Job, and the old one goes with its name.
    new Job(this, 'Resource', {
      metadata: {
        name: `${objectName(this)}-${contentHash(template)}`,
        annotations: { [MAKES]: makes.join(',') },
      },
      spec: { backoffLimit: 6, activeDeadlineSeconds: JOB_DEADLINE_SECONDS, template },
    });
  }
}
