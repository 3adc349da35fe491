import { Construct } from 'constructs';
import { Deployment, Role, RoleBinding, ServiceAccount } from '../../imports/k8s';
import { TRUST_FILE, trustVolume } from '../certificate-authority';
import type { CredentialsMaker } from '../credentials';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { CLUSTER_DOMAIN, Endpoint } from '../platform/endpoint';
import { namespaceOf, objectName } from '../platform/names';
import { NOBODY, oneAtATime, resources, RESTRICTED, restrictedPod } from '../platform/pod';
import { MAKES, NO_LIVENESS } from '../platform/labels';
import { admission } from './admission';

export interface UnsealerProps {
  readonly maker: CredentialsMaker;
  /** The one member, whether open or not, and its name. */
  readonly member: Endpoint;
  readonly memberHost: string;
}

/** Opens a Vault of one member whenever it is sealed, with a key that lies in a Secret beside it: for development only. */
export class Unsealer extends Construct {
  readonly connections = new Connections(this, { name: 'vault', component: 'unsealer' });

  constructor(scope: Construct, id: string, props: UnsealerProps) {
    super(scope, id);
    const { maker, member, memberHost } = props;
    this.connections.allowTo(member);
    this.connections.allowToRange(maker.apiServer);
    const secret = `${objectName(scope)}-unseal`;
    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      {
        'unseal.sh': {
          CLUSTER_DOMAIN,
          NAMESPACE: namespaceOf(this),
          VAULT: `https://${memberHost}:${member.port}`,
          TRUST: `/trust/${TRUST_FILE}`,
          SECRET: secret,
        },
      },
      admission(namespaceOf(this)),
    );
    const account = this.keeper();
    new Deployment(this, 'Resource', {
      metadata: { annotations: { [MAKES]: `Secret/${namespaceOf(this)}/${secret}:key:root` } },
      spec: {
        replicas: 1,
        strategy: oneAtATime(1),
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: {
            labels: this.connections.podLabels,
            annotations: {
              [`${NO_LIVENESS}unseal`]:
                'A loop of a few requests, each with a time limit; nothing in it can hang.',
            },
          },
          spec: {
            serviceAccountName: account,
            automountServiceAccountToken: true,
            enableServiceLinks: false,
            // A shell that waits for `sleep` does not hear SIGTERM, and there is nothing to finish.
            terminationGracePeriodSeconds: 1,
            securityContext: restrictedPod(NOBODY),
            containers: [
              {
                name: 'unseal',
                image: maker.image,
                command: ['/bin/sh', '/config/unseal.sh'],
                resources: resources({ cpu: '5m', memory: '16Mi' }),
                securityContext: RESTRICTED,
                volumeMounts: [
                  { name: 'config', mountPath: '/config', readOnly: true },
                  { name: 'trust', mountPath: '/trust', readOnly: true },
                  { name: 'unseal', mountPath: '/unseal', readOnly: true },
                  { name: 'work', mountPath: '/work' },
                ],
              },
            ],
            volumes: [
              config.volume('config'),
              trustVolume('trust'),
              // Not there before Vault is made; then it has what it made in memory.
              { name: 'unseal', secret: { secretName: secret, optional: true, defaultMode: 0o440 } },
              { name: 'work', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            ],
          },
        },
      },
    });
  }

  /** A service account that may make Secrets. It reads its own as a volume. */
  private keeper(): string {
    const metadata = { name: objectName(this) };
    const { name } = new ServiceAccount(this, 'Account', { metadata, automountServiceAccountToken: false });
    new Role(this, 'Keep', {
      metadata,
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }],
    });
    new RoleBinding(this, 'MayKeep', {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: namespaceOf(this) }],
    });
    return name;
  }
}
