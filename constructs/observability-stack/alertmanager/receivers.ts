import { Construct } from 'constructs';
import type { Volume, VolumeMount } from '../../../imports/k8s';
import type { Connections } from '../../platform/connections';
import type { AddressRange } from '../../platform/peer';
import { fetchSecret, type SecretSource } from '../../platform/secret-source';
import { DEAD_MANS_SWITCH, type Integrations, OWNERS, receiverOf, WAYS } from './routes';

/** A service outside that takes messages. */
export interface MessageService {
  /**
   * Its protocol. `slack`: an incoming webhook, also Mattermost's; `pagerduty`: events of version 2; `webhook`: Alertmanager's
   * own JSON.
   */
  readonly kind: 'slack' | 'pagerduty' | 'webhook';
  /** Its DNS name, and where the pods connect to: its own addresses, or the proxy's. */
  readonly range: AddressRange;
}

/** Services outside, and where their secrets are. */
export interface OutsideReceivers {
  readonly kind: 'outside';
  readonly chat: MessageService;
  readonly page: MessageService;
  /** Where Watchdog is told: a service that tells somebody when it hears nothing for some minutes. */
  readonly deadMansSwitch: MessageService;
  /** Who holds the secrets. */
  readonly source: SecretSource;
  /**
   * Path there. Below it, one entry per owner with `chat` and `page`, and `dead-mans-switch` with `url`: URLs, or the
   * routing key where the service is PagerDuty.
   */
  readonly secretPath: string;
  /**
   * HTTP proxy to the services, by its DNS name.
   * @default - they are called directly
   */
  readonly proxy?: AddressRange;
}

/** Where the secrets are in the pods, one file per receiver. */
const FOLDER = '/receivers';

const TITLE = '{{ template "lighthouse.title" . }}';
const TEXT = '{{ template "lighthouse.text" . }}';
const RUNBOOK = '{{ template "lighthouse.runbook" . }}';

/** Settings of a receiver, by the protocol of its service; the secret is read from its file at every message. */
const PROTOCOLS: Readonly<Record<MessageService['kind'], (file: string, host: string) => Integrations>> = {
  slack: (file) => ({
    slack_configs: [
      {
        api_url_file: file,
        send_resolved: true,
        title: TITLE,
        title_link: RUNBOOK,
        text: TEXT,
        fallback: TITLE,
        color: '{{ template "lighthouse.color" . }}',
      },
    ],
  }),
  pagerduty: (file, host) => ({
    pagerduty_configs: [
      {
        routing_key_file: file,
        url: `https://${host}/v2/enqueue`,
        send_resolved: true,
        description: TITLE,
        severity: '{{ .CommonLabels.severity }}',
        class: '{{ .GroupLabels.alertname }}',
        component: '{{ .GroupLabels.service }}',
        group: '{{ .CommonLabels.environment }}/{{ .GroupLabels.cluster }}',
        details: { alerts: TEXT },
        links: [{ href: RUNBOOK, text: 'Runbook' }],
      },
    ],
  }),
  webhook: (file) => ({ webhook_configs: [{ url_file: file, send_resolved: true }] }),
};

/** What Alertmanager must know of those whom it tells, wherever they are. */
export interface Receivers {
  /** What its pods need of them. */
  readonly mounts: readonly VolumeMount[];
  readonly volumes: readonly Volume[];
  allowFrom(client: Connections): void;
  /** The settings of one receiver. */
  integrations(receiver: string): Integrations;
}

/** The secrets of the services outside, fetched into one Secret, and what Alertmanager is told of each. */
export class OutsideServices extends Construct implements Receivers {
  readonly mounts: readonly VolumeMount[] = [{ name: 'receivers', mountPath: FOLDER, readOnly: true }];
  readonly volumes: readonly Volume[];
  private readonly proxy?: AddressRange;
  private readonly services: ReadonlyMap<string, MessageService>;

  constructor(scope: Construct, id: string, props: OutsideReceivers) {
    super(scope, id);
    const { source, secretPath, deadMansSwitch, proxy } = props;
    this.proxy = proxy;
    const entries = OWNERS.flatMap((owner) =>
      WAYS.map((way) => ({
        receiver: receiverOf(owner, way),
        service: props[way],
        place: { entry: `${secretPath}/${owner}`, property: way },
      })),
    );
    const watched = { entry: `${secretPath}/${DEAD_MANS_SWITCH}`, property: 'url' };
    const all = [...entries, { receiver: DEAD_MANS_SWITCH, service: deadMansSwitch, place: watched }];
    this.services = new Map(all.map(({ receiver, service }) => [receiver, service]));
    const secretName = fetchSecret(this, 'Resource', {
      source,
      values: Object.fromEntries(all.map(({ receiver, place }) => [receiver, place])),
    });
    this.volumes = [{ name: 'receivers', secret: { secretName, defaultMode: 0o440 } }];
  }

  allowFrom(client: Connections): void {
    for (const { range } of this.services.values()) client.allowToRange(range);
    if (this.proxy) client.allowToRange(this.proxy);
  }

  /** @throws Error where nothing was said of a receiver of this name */
  integrations(receiver: string): Integrations {
    const service = this.services.get(receiver);
    if (!service) throw new Error(`${this.node.path}: no service for receiver ${receiver}`);
    const { proxy } = this;
    const more = {
      ...(proxy ? { http_config: { proxy_url: `http://${proxy.name}:${proxy.port}` } } : {}),
      // That Watchdog is over is no message to whoever waits for the next one.
      ...(receiver === DEAD_MANS_SWITCH ? { send_resolved: false } : {}),
    };
    const settings = PROTOCOLS[service.kind](`${FOLDER}/${receiver}`, service.range.name);
    return Object.fromEntries(
      Object.entries(settings).map(([kind, configs]) => [
        kind,
        configs.map((config) => ({ ...config, ...more })),
      ]),
    );
  }
}
