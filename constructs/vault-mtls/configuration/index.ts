import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { CronJob, Job, type PodTemplateSpec } from '../../../imports/k8s';
import { type TlsSecret, TRUST_FILE, trustVolume } from '../../certificate-authority';
import { ConfigFiles, contentHash } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import { recurring } from '../../platform/cron';
import type { Endpoint } from '../../platform/endpoint';
import { CONFIGURES } from '../../platform/labels';
import { LateConfig } from '../../platform/late-config';
import { namespaceOf, objectName } from '../../platform/names';
import {
  JOB_DEADLINE_SECONDS,
  NOBODY,
  resources,
  RESTRICTED,
  restrictedPod,
  withoutToken,
} from '../../platform/pod';
import { ClusterStore, fetchSecret, propertiesOf } from '../../platform/secret-source';
import { CONFIGURATION, tokenVolume } from '../admission';
import { desiredOf, ISSUING } from './desired';
import { type Lender, loginFolder } from '../leases';
import { type Account, type Needs, roleOf } from './needs';
import { CLIENT_SECRET, type SignOn } from './sign-on';

export interface VaultConfigurationProps {
  /** Image with Python 3. */
  readonly image: string;
  readonly api: Endpoint;
  /** Who needs what; asked when the platform is read. */
  readonly needs: Needs;
  /** The certificate and key that Vault signs with; undefined as long as nobody wants a certificate of it. */
  readonly issuing: () => TlsSecret | undefined;
  /** Databases whose logins Vault lends. */
  readonly lenders: () => readonly Lender[];
  /**
   * How people get in.
   * @default - they do not
   */
  readonly signOn?: SignOn;
}

/** Measured: 24 MiB at the most. */
const SIZE = { cpu: '10m', memory: '32Mi' } as const;

/** What was changed by hand is told within the hour. */
const CHECKS = '15 * * * *';

const SCRIPTS = '/scripts';
const CONFIG = '/config';
const TOKEN = '/token';

/**
 * What Vault holds, as a file that follows from what everybody declared: a Job writes what differs whenever that file changes, and
 * another, that may only look, says every hour what somebody else has changed.
 */
export class VaultConfiguration extends Construct {
  readonly connections = new Connections(this, { name: 'vault', component: 'configuration' });

  constructor(scope: Construct, id: string, props: VaultConfigurationProps) {
    super(scope, id);
    const checking = new Checking(scope, 'Drift');
    const scripts = new ConfigFiles(this, 'Scripts', __dirname, { 'configure.py': {}, 'vault_api.py': {} });
    const desired = new LateConfig(
      this,
      'Desired',
      () => {
        const state = desiredOf(namespaceOf(this), props.needs, checking.account, props.signOn);
        return { 'desired.json': `${JSON.stringify(state, undefined, 2)}\n` };
      },
      { [CONFIGURES]: `StatefulSet/${namespaceOf(this)}/${objectName(props.api.owner.construct)}` },
    );
    this.connections.allowTo(props.api);
    const template = podOf(this, this.connections, props, {
      mode: 'apply',
      role: CONFIGURATION.role,
      files: ['tls.crt', 'tls.key'],
      scripts,
      desired,
      handed: props.signOn ? [clientSecret(scope, props.signOn)] : [],
    });
    new Job(this, 'Resource', {
      metadata: {
        // A Job's template cannot be changed: what changed is a new Job, and the old one goes with its name.
        name: Lazy.any({
          produce: () => `${objectName(this)}-${contentHash([scripts.name, desired.name, props.image])}`,
        }),
      },
      spec: { backoffLimit: 6, activeDeadlineSeconds: JOB_DEADLINE_SECONDS, template },
    });
    checking.look(props, { scripts, desired }, this.connections);
  }
}

/** Looks, without the right to change anything, whether Vault still is as declared. */
class Checking extends Construct {
  readonly connections = new Connections(this, { name: 'vault', component: 'drift' });
  readonly account: Account = { namespace: namespaceOf(this), name: objectName(this) };

  look(props: VaultConfigurationProps, files: Files, after: Connections): void {
    this.connections.allowTo(props.api);
    this.connections.startAfter(after);
    const template = podOf(this, this.connections, props, {
      mode: 'check',
      role: roleOf(this.account),
      files: ['tls.crt'],
      ...files,
      // Vault tells nobody what it was given: there is nothing to compare it with.
      handed: [],
    });
    new CronJob(this, 'Resource', {
      spec: {
        ...recurring(CHECKS),
        // What is found is found again by the next attempt: it is Vault's being away for a moment that this is for.
        jobTemplate: { spec: { backoffLimit: 1, activeDeadlineSeconds: 900, template } },
      },
    });
  }
}

/** The program, and what it reads. */
interface Files {
  readonly scripts: ConfigFiles;
  readonly desired: LateConfig;
}

interface Run extends Files {
  readonly mode: 'apply' | 'check';
  /** As which it logs in to Vault. */
  readonly role: string;
  /** Of the certificate that Vault signs with. */
  readonly files: readonly string[];
  /** What it hands on to Vault, and nobody compares. */
  readonly handed: readonly SecretFiles[];
}

/** What Vault shows the identity provider. */
function clientSecret(scope: Construct, { secretStore, secretPath }: SignOn): SecretFiles {
  const { folder, key } = CLIENT_SECRET;
  const secretName = fetchSecret(new Construct(scope, 'SignOn'), 'Resource', {
    source: new ClusterStore(secretStore),
    values: propertiesOf(secretPath, [key]),
  });
  return { name: 'sign-on', secretName, keys: [key], mountPath: folder };
}

function podOf(
  construct: Construct,
  connections: Connections,
  props: VaultConfigurationProps,
  { mode, role, files, scripts, desired, handed }: Run,
): PodTemplateSpec {
  const { image, api } = props;
  const secrets = (): SecretFiles[] => [...handed, ...secretFiles(props, mode, files)];
  const mounts = [
    { name: 'scripts', mountPath: SCRIPTS, readOnly: true },
    { name: 'config', mountPath: CONFIG, readOnly: true },
    { name: 'trust', mountPath: '/trust', readOnly: true },
    { name: 'token', mountPath: TOKEN, readOnly: true },
  ];
  return {
    metadata: { labels: connections.podLabels },
    spec: {
      // Not OnFailure, which deletes the pod with the last failure, and what it said with it.
      restartPolicy: 'Never',
      ...withoutToken(construct),
      securityContext: restrictedPod(NOBODY),
      containers: [
        {
          name: 'configure',
          image,
          command: ['python3', `${SCRIPTS}/configure.py`, mode],
          env: [
            { name: 'VAULT', value: api.url('https') },
            { name: 'TRUST', value: `/trust/${TRUST_FILE}` },
            { name: 'ROLE', value: role },
            { name: 'TOKEN_FILE', value: `${TOKEN}/vault` },
            { name: 'DESIRED', value: `${CONFIG}/desired.json` },
            { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
            { name: 'PYTHONUNBUFFERED', value: '1' },
          ],
          resources: resources(SIZE),
          securityContext: RESTRICTED,
          volumeMounts: Lazy.any({
            produce: () => [
              ...mounts,
              ...secrets().map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
            ],
          }),
        },
      ],
      volumes: Lazy.any({
        produce: () => [
          scripts.volume('scripts'),
          desired.volume('config'),
          trustVolume('trust'),
          tokenVolume('token'),
          ...secrets().map(({ name, secretName, keys }) => ({
            name,
            secret: { secretName, defaultMode: 0o440, items: keys.map((key) => ({ key, path: key })) },
          })),
        ],
      }),
    },
  };
}

/** Files of a Secret that a pod sees. */
interface SecretFiles {
  readonly name: string;
  readonly secretName: string;
  readonly keys: readonly string[];
  readonly mountPath: string;
}

/** What is secret in what Vault is told; of passwords whoever looks sees nothing, for Vault tells none. */
function secretFiles(
  { issuing, lenders }: VaultConfigurationProps,
  mode: Run['mode'],
  files: readonly string[],
): SecretFiles[] {
  const { secretName } = issuing() ?? {};
  const logins = mode === 'apply' ? lenders() : [];
  return [
    ...(secretName === undefined ? [] : [{ name: 'issuing', secretName, keys: files, mountPath: ISSUING }]),
    ...logins.map((lender) => ({
      name: `login-${lender.name}`,
      secretName: lender.login.secretName,
      keys: ['password'],
      mountPath: loginFolder(lender),
    })),
  ];
}
