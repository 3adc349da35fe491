import { Construct } from 'constructs';
import { Deployment, type Volume, type VolumeMount } from '../../../imports/k8s';
import { ConfigFiles } from '../../platform/config-files';
import { Connections } from '../../platform/connections';
import { NOBODY, resources, RESTRICTED, restrictedPod, withoutToken } from '../../platform/pod';
import type { Receivers } from './receivers';
import { DEAD_MANS_SWITCH, type Integrations } from './routes';

/** Receivers inside the cluster: every message is a line in a pod's log, and nobody is told. */
export interface LoggedReceivers {
  readonly kind: 'logged';
  /** Image with Python 3. */
  readonly image: string;
}

/**
 * Takes the messages of all receivers and prints them, one JSON line per alert, where there is nobody to be told:
 * `kubectl -n observability logs deployment/alertmanager-log`.
 */
export class MessageLog extends Construct implements Receivers {
  readonly connections = new Connections(this, { name: 'message-log', component: 'receiver' });
  /** Plain HTTP; only Alertmanager may connect. */
  readonly endpoint = this.connections.listen('http', 8080);
  readonly mounts: readonly VolumeMount[] = [];
  readonly volumes: readonly Volume[] = [];

  constructor(scope: Construct, id: string, { image }: LoggedReceivers) {
    super(scope, id);
    const files = new ConfigFiles(this, 'Script', __dirname, { 'message-log.py': {} });
    const account = withoutToken(this);
    const probe = { httpGet: { path: '/', port: this.endpoint.name }, timeoutSeconds: 5 };
    new Deployment(this, 'Resource', {
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            terminationGracePeriodSeconds: 5,
            securityContext: restrictedPod(NOBODY),
            containers: [
              {
                name: 'message-log',
                image,
                command: ['python3', '/scripts/message-log.py', String(this.endpoint.port)],
                env: [
                  { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
                  { name: 'PYTHONUNBUFFERED', value: '1' },
                ],
                ports: this.connections.containerPorts(this.endpoint),
                readinessProbe: probe,
                livenessProbe: { ...probe, periodSeconds: 30 },
                securityContext: RESTRICTED,
                resources: resources({ cpu: '5m', memory: '32Mi' }),
                volumeMounts: [{ name: 'scripts', mountPath: '/scripts', readOnly: true }],
              },
            ],
            volumes: [files.volume('scripts')],
          },
        },
      },
    });
  }

  allowFrom(client: Connections): void {
    client.allowTo(this.endpoint);
  }

  integrations(receiver: string): Integrations {
    const url = `${this.endpoint.url('http')}/${receiver}`;
    return { webhook_configs: [{ url, send_resolved: receiver !== DEAD_MANS_SWITCH }] };
  }
}
