import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import type { Container, EnvVar, PodSpec, PodTemplateSpec, Volume, VolumeMount } from '../../imports/k8s';
import { TRUST_FILE, trustVolume } from '../certificate-authority';
import { Credentials, CredentialsMaker } from '../credentials';
import { FuseMount, type FuseMountProps } from '../fuse-mount';
import { ConfigFiles, type Holes } from '../platform/config-files';
import type { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { Resources, resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import { BRIDGE, UID } from './settings';

export interface ServerProps {
  /** Lighthouse's image: Python, its own files in /app, curl and OpenTelemetry's instrumentation. */
  readonly image: string;
  /** What the server gets. */
  readonly resources: Resources;
  /**
   * Levels of Python's logging.
   * @default 'INFO'
   */
  readonly logLevel?: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  readonly maker: CredentialsMaker;
  /**
   * How the file system is mounted, and by which program.
   * @default - not at all: an empty folder
   */
  readonly fuse?: FuseMountProps;
}

/** What a place for its state adds to the server's pod. */
export interface PodPart {
  /** Settings of the server. */
  readonly env?: readonly EnvVar[];
  readonly mounts?: readonly VolumeMount[];
  readonly volumes?: readonly Volume[];
  readonly initContainers?: readonly Container[];
  /** Scripts beside this file that come to /config, with the values of their holes. */
  readonly scripts?: Readonly<Record<string, Holes>>;
  /** What else there is to say of the pod. */
  readonly pod?: Partial<PodSpec>;
}

/** Secrets that the server makes up at every start where it is given none: what it signed before is then void. */
const SECRETS = {
  /** Signs every event: with another one, all earlier events are skipped as if they were not there. */
  event: 'LIGHTHOUSE_EVENT_SECRET',
  system: 'LIGHTHOUSE_SYSTEM_SECRET',
  expert: 'LIGHTHOUSE_EXPERT_SECRET',
  auth: 'LIGHTHOUSE_AUTH_SECRET',
} as const;

type Secret = keyof typeof SECRETS;

/** It ends within 1.3 s of SIGTERM; the rest is for a volume that is slow. */
const GRACE_SECONDS = 30;

/** What the server writes to beside its data and the file system; its root is read-only. */
const TMP: Volume = { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } };

/** The server's pod, as it is wherever its state is. */
export class Server {
  readonly secrets: Credentials<Secret>;
  /** Where it tells of its requests, once that is known. */
  telemetry?: Endpoint;
  private readonly logLevel: string;

  constructor(
    private readonly scope: Construct,
    readonly connections: Connections,
    private readonly api: Endpoint,
    private readonly props: ServerProps,
  ) {
    this.logLevel = props.logLevel ?? 'INFO';
    this.secrets = new Credentials(scope, 'Secrets', {
      maker: props.maker,
      users: Object.keys(SECRETS) as Secret[],
    });
  }

  /** The image of the server, whose shell is also that of its scripts. */
  get image(): string {
    return this.props.image;
  }

  /** The pod with all that is added to it. Made once: it has files of its own. */
  template(...parts: readonly PodPart[]): PodTemplateSpec {
    const scripts = parts.map((part) => part.scripts ?? {});
    const config = new ConfigFiles(
      this.scope,
      'Config',
      __dirname,
      Object.assign({ 'ready.sh': { PORT: this.api.port } }, ...scripts) as Record<string, Holes>,
    );
    const fuse = new FuseMount(this.scope, 'Fuse', this.props.fuse ?? { mode: 'none' });
    const account = withoutToken(this.scope);
    const initContainers = [...parts.flatMap((part) => part.initContainers ?? []), ...fuse.initContainers];
    return {
      metadata: { labels: this.connections.podLabels },
      spec: {
        ...account,
        ...fuse.pod,
        securityContext: restrictedPod(UID),
        terminationGracePeriodSeconds: GRACE_SECONDS,
        ...(initContainers.length > 0 ? { initContainers } : {}),
        containers: [this.container(parts, fuse)],
        volumes: [
          config.volume('config'),
          trustVolume('trust'),
          TMP,
          ...fuse.volumes,
          ...parts.flatMap((part) => part.volumes ?? []),
        ],
        ...Object.assign({}, ...parts.map((part) => part.pod ?? {})),
      },
    };
  }

  private container(parts: readonly PodPart[], fuse: FuseMount): Container {
    const health = { httpGet: { path: '/health', port: this.api.name }, timeoutSeconds: 2 };
    const added = parts.flatMap((part) => part.env ?? []);
    return {
      name: BRIDGE.container,
      image: this.image,
      // The image's own command is another program's.
      command: ['opentelemetry-instrument', 'python', '-m', 'lighthouse.bridge.run_bridge'],
      workingDir: '/app',
      env: Lazy.any({ produce: () => [...this.settings(added), ...this.instrumentation()] }),
      ports: this.connections.containerPorts(this.api),
      // 4 to 8 s, longer with a long log: it reads all events at its start.
      startupProbe: { ...health, periodSeconds: 2, failureThreshold: 150 },
      readinessProbe: {
        exec: { command: ['/bin/sh', '/config/ready.sh'] },
        timeoutSeconds: 3,
        periodSeconds: 5,
      },
      livenessProbe: { ...health, periodSeconds: 10, failureThreshold: 6 },
      securityContext: RESTRICTED,
      resources: resources(this.props.resources),
      volumeMounts: [
        ...parts.flatMap((part) => part.mounts ?? []),
        fuse.volumeMount,
        { name: 'tmp', mountPath: '/tmp' },
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
      ],
    };
  }

  private settings(added: readonly EnvVar[]): EnvVar[] {
    const secrets = Object.entries(SECRETS) as [Secret, string][];
    return [
      { name: 'LIGHTHOUSE_PORT', value: String(this.api.port) },
      { name: 'LIGHTHOUSE_LOG_LEVEL', value: this.logLevel },
      ...added,
      ...secrets.map(([user, name]) => this.secrets.of(user).env(name)),
      { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
      { name: 'PYTHONUNBUFFERED', value: '1' },
    ];
  }

  /** Requests become spans and durations by OpenTelemetry's instrumentation: the server itself measures nothing. */
  private instrumentation(): EnvVar[] {
    if (!this.telemetry) return [{ name: 'OTEL_SDK_DISABLED', value: 'true' }];
    return [
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'OTEL_SERVICE_NAME', value: BRIDGE.service },
      { name: 'OTEL_RESOURCE_ATTRIBUTES', value: 'service.instance.id=$(POD)' },
      { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: this.telemetry.url('https') },
      { name: 'OTEL_EXPORTER_OTLP_PROTOCOL', value: 'grpc' },
      { name: 'OTEL_EXPORTER_OTLP_CERTIFICATE', value: `/trust/${TRUST_FILE}` },
      // Lines are read from the node's files.
      { name: 'OTEL_LOGS_EXPORTER', value: 'none' },
      { name: 'OTEL_METRIC_EXPORT_INTERVAL', value: '15000' },
      // The names of today: http.server.request.duration by http.route. The instrumentation's own default are older ones.
      { name: 'OTEL_SEMCONV_STABILITY_OPT_IN', value: 'http' },
      { name: 'OTEL_PYTHON_LOG_CORRELATION', value: 'true' },
      { name: 'OTEL_PYTHON_LOG_LEVEL', value: this.logLevel.toLowerCase() },
      // It sets up logging before the server does: the server's own form, with the trace in the message.
      {
        name: 'OTEL_PYTHON_LOG_FORMAT',
        value:
          '[%(levelname)s] %(asctime)s - %(name)s - %(message)s trace_id=%(otelTraceID)s span_id=%(otelSpanID)s',
      },
    ];
  }
}
