import { EnvVar, PodTemplateSpec } from '../../imports/k8s';
import { TRUST_FILE, trustVolume } from '../certificate-authority';
import type { Credential } from '../credentials';
import type { ConfigFiles } from '../platform/config-files';
import type { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { NOBODY, resources, RESTRICTED, restrictedPod } from '../platform/pod';

export interface ScriptPodProps {
  /** Image with Python 3. */
  readonly image: string;
  readonly connections: Connections;
  readonly serviceAccountName: string;
  /** The script and what it reads. */
  readonly files: ConfigFiles;
  readonly script: string;
  readonly database: Endpoint;
  /** Whose key the script uses. */
  readonly user: Credential;
  readonly env: readonly EnvVar[];
}

/** A pod that runs a script against the database's REST API once, with a key that it reads from a file. */
export function scriptPod(props: ScriptPodProps): PodTemplateSpec {
  return {
    metadata: { labels: props.connections.podLabels },
    spec: {
      restartPolicy: 'OnFailure',
      serviceAccountName: props.serviceAccountName,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: restrictedPod(NOBODY),
      containers: [
        {
          name: 'script',
          image: props.image,
          command: ['python3', `/scripts/${props.script}`],
          env: [
            { name: 'WEAVIATE_URL', value: props.database.url('https') },
            { name: 'TRUST', value: `/trust/${TRUST_FILE}` },
            { name: 'KEY_FILE', value: '/keys/key' },
            { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
            { name: 'PYTHONUNBUFFERED', value: '1' },
            ...props.env,
          ],
          resources: resources({ cpu: '10m', memory: '64Mi' }),
          securityContext: RESTRICTED,
          volumeMounts: [
            { name: 'scripts', mountPath: '/scripts', readOnly: true },
            { name: 'keys', mountPath: '/keys', readOnly: true },
            { name: 'trust', mountPath: '/trust', readOnly: true },
          ],
        },
      ],
      volumes: [
        props.files.volume('scripts'),
        { name: 'keys', projected: { defaultMode: 0o440, sources: [props.user.file('key')] } },
        trustVolume('trust'),
      ],
    },
  };
}
