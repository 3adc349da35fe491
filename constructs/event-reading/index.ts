import { Construct } from 'constructs';
import { type Container, Deployment } from '../../imports/k8s';
import { type CertificateAuthority, TRUST_FILE, trustVolume } from '../certificate-authority';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { NO_LIVENESS } from '../platform/labels';
import { namespaceOf, objectName } from '../platform/names';
import { oneAtATime, resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import type { VaultMtls } from '../vault-mtls';
import { tokenVolume } from '../vault-mtls/admission';
import { roleOf } from '../vault-mtls/configuration/needs';
import type { Lender } from '../vault-mtls/leases';

export interface EventReadingProps {
  /** PostgreSQL, for its psql, and Python 3. */
  readonly images: Readonly<Record<'postgres' | 'python', string>>;
  readonly vault: VaultMtls;
  /** The event store. */
  readonly lender: Lender;
  readonly authority: CertificateAuthority;
}

/** `postgres` in the operator's images. */
const UID = 26;

/** Where a script asks for a login, and finds it: in memory. */
const DESK = '/desk';

/** Measured: 23 MiB with two logins. */
const LEND_SIZE = { cpu: '10m', memory: '48Mi' } as const;

/** psql keeps what a query gives until it is shown: who asks for too much loses their session, and nobody else. */
const PSQL_SIZE = { cpu: '10m', memory: '128Mi' } as const;

/**
 * Where people read events: psql in a pod, with a login that Vault lends for as long as they read. They bring nothing and learn no
 * password; the API server's audit log has who it was, and Vault's what they were lent.
 *
 * @example kubectl -n reading exec -it deployment/events -c psql -- /bin/sh /config/read.sh
 */
export class EventReading extends Construct {
  readonly connections = new Connections(this, { name: 'psql', component: 'reading' });

  constructor(scope: Construct, id: string, props: EventReadingProps) {
    super(scope, id);
    const { vault, lender, authority } = props;
    const account = withoutToken(this);
    const borrower = { connections: this.connections, account: objectName(this) };
    const credentials = vault.lease(borrower, lender);
    const tls = authority.issue(this.connections);
    const scripts = new ConfigFiles(this, 'Scripts', __dirname, {
      'lend.py': {},
      '../vault-mtls/configuration/vault_api.py': {},
    });
    const config = new ConfigFiles(this, 'Config', __dirname, { 'read.sh': {} });
    new Deployment(this, 'Resource', {
      spec: {
        replicas: 1,
        strategy: oneAtATime(1),
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: {
            labels: this.connections.podLabels,
            annotations: { [`${NO_LIVENESS}psql`]: 'it sleeps until somebody works in it' },
          },
          spec: {
            ...account,
            securityContext: restrictedPod(UID),
            terminationGracePeriodSeconds: 10,
            containers: [this.lend(props, credentials), this.psql(props)],
            volumes: [
              scripts.volume('scripts'),
              config.volume('config'),
              tokenVolume('token'),
              tls.volume('tls'),
              trustVolume('trust'),
              { name: 'desk', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
            ],
          },
        },
      },
    });
  }

  /** Knows Vault, and no database. */
  private lend({ images, vault }: EventReadingProps, credentials: string): Container {
    return {
      name: 'lend',
      image: images.python,
      command: ['python3', '/scripts/lend.py'],
      env: [
        { name: 'VAULT', value: vault.api.url('https') },
        { name: 'TRUST', value: `/trust/${TRUST_FILE}` },
        { name: 'ROLE', value: roleOf({ namespace: namespaceOf(this), name: objectName(this) }) },
        { name: 'TOKEN_FILE', value: '/token/vault' },
        { name: 'LENDS', value: credentials },
        { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
      ],
      resources: resources(LEND_SIZE),
      securityContext: RESTRICTED,
      livenessProbe: {
        // An answer of Vault's may take half a minute.
        exec: { command: ['/bin/sh', '-c', `test -n "$(find ${DESK}/lender -mmin -2)"`] },
        periodSeconds: 30,
        timeoutSeconds: 5,
      },
      readinessProbe: { exec: { command: ['test', '-e', `${DESK}/lender`] }, timeoutSeconds: 5 },
      volumeMounts: [
        { name: 'scripts', mountPath: '/scripts', readOnly: true },
        { name: 'token', mountPath: '/token', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'desk', mountPath: DESK },
      ],
    };
  }

  /** Knows the database, and has nothing to show to Vault. */
  private psql({ images, lender: { endpoint, database } }: EventReadingProps): Container {
    return {
      name: 'psql',
      image: images.postgres,
      command: ['sleep', 'infinity'],
      env: [
        { name: 'PGHOST', value: endpoint.host },
        { name: 'PGPORT', value: String(endpoint.port) },
        { name: 'PGDATABASE', value: database },
        { name: 'PGSSLMODE', value: 'verify-full' },
        { name: 'PGSSLROOTCERT', value: `/trust/${TRUST_FILE}` },
        { name: 'PGSSLCERT', value: '/tls/tls.crt' },
        { name: 'PGSSLKEY', value: '/tls/tls.key' },
        { name: 'PGCONNECT_TIMEOUT', value: '10' },
        { name: 'PGAPPNAME', value: objectName(this) },
        { name: 'PSQL_HISTORY', value: '/dev/null' },
      ],
      resources: resources(PSQL_SIZE),
      securityContext: RESTRICTED,
      volumeMounts: [
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        { name: 'desk', mountPath: DESK },
      ],
    };
  }
}
