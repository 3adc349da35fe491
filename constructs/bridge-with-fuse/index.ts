import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { Container, EnvVar, Probe, StatefulSet, Volume } from '../../imports/k8s';
import { TRUST_FILE, trustVolume } from '../certificate-authority';
import { Credential, Credentials, CredentialsMaker } from '../credentials';
import { FuseMount, type FuseMountProps } from '../fuse-mount';
import { ConfigFiles } from '../platform/config-files';
import { Connections } from '../platform/connections';
import type { Endpoint } from '../platform/endpoint';
import { objectName } from '../platform/names';
import { dataClaim, Resources, resources, RESTRICTED, restrictedPod, withoutToken } from '../platform/pod';
import { parseQuantity } from '../platform/quantity';
import { EventBackup, EventLogBackup } from './event-backup';
import { BRIDGE, BRIDGE_LIMITS, DATA } from './settings';

export interface BridgeWithFuseProps {
  /** Lighthouse's image: Python, its own files in /app, curl and OpenTelemetry's instrumentation. */
  readonly image: string;
  /** What the server gets. */
  readonly resources: Resources;
  /** Size of the volume that events are kept on; at least ten times the size at which their log is rotated. */
  readonly storage: string;
  /** Class of the volume. */
  readonly storageClass: string;
  /**
   * Levels of Python's logging.
   * @default 'INFO'
   */
  readonly logLevel?: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  readonly maker: CredentialsMaker;
  /**
   * Where copies of the event log go.
   * @default - nowhere: for tests only
   */
  readonly backup?: EventLogBackup;
  /**
   * How the file system is mounted, and by which program.
   * @default - not at all: an empty folder
   */
  readonly fuse?: FuseMountProps;
}

/** User of the image. */
const UID = 1000;

/** Secrets that the server makes up at every start where it is given none: what it signed before is then void. */
const SECRETS = {
  /** Signs every event: with another one, all earlier events are skipped as if they were not there. */
  event: 'LIGHTHOUSE_EVENT_SECRET',
  system: 'LIGHTHOUSE_SYSTEM_SECRET',
  expert: 'LIGHTHOUSE_EXPERT_SECRET',
  auth: 'LIGHTHOUSE_AUTH_SECRET',
} as const;

/** Rotated logs are kept beside the live one, one tenth its size or so; less room than this is full in an afternoon. */
const LEAST_STORAGE = 10 * BRIDGE_LIMITS.eventLogBytes;

/** It ends within 1.3 s of SIGTERM; the rest is for a volume that is slow. */
const GRACE_SECONDS = 30;

/**
 * Lighthouse's server, with its state in its own process and on one volume, as release 1.0.0 has it: sessions, experts and
 * the numbers of events are known to nobody else, so there is one replica, and an update is a short stop. Its log of events
 * is guarded: a rotated file is renamed before the next rotation would overwrite it.
 *
 * The server mounts no file system: as released that fails, and an image without libfuse spares it the attempt. Where one
 * is wanted, a container of its own serves it.
 *
 * @example
 * const bridge = new BridgeWithFuse(namespaces.add('bridge'), 'bridge', { image, storage: '10Gi', … });
 * edge.connections.allowTo(bridge.api);
 */
export class BridgeWithFuse extends Construct {
  readonly connections = new Connections(this, {
    name: 'lighthouse',
    component: 'bridge',
    service: 'headless',
  });
  /** HTTP and WebSocket, without TLS, which the server does not have; anybody who gets here is handed a session. */
  readonly api = this.connections.listen('http', 8765);
  /** The claim of the volume with its events. */
  readonly claim = `data-${objectName(this)}-0`;
  private readonly secrets: Credentials<keyof typeof SECRETS>;
  private telemetry?: Endpoint;

  constructor(scope: Construct, id: string, props: BridgeWithFuseProps) {
    super(scope, id);
    const { image, maker, storage, storageClass, backup } = props;
    if (parseQuantity(storage) < LEAST_STORAGE) {
      throw new Error(`${this.node.path}: storage must be at least ${LEAST_STORAGE} bytes, got ${storage}`);
    }
    this.secrets = new Credentials(this, 'Secrets', {
      maker,
      users: Object.keys(SECRETS) as (keyof typeof SECRETS)[],
    });
    const config = new ConfigFiles(this, 'Config', __dirname, {
      'ready.sh': { PORT: this.api.port },
      'keep-events.sh': {},
    });
    const fuse = new FuseMount(this, 'Fuse', props.fuse ?? { mode: 'none' });
    const account = withoutToken(this);
    new StatefulSet(this, 'Resource', {
      spec: {
        serviceName: this.connections.serviceName,
        replicas: 1,
        // In order, a pod that never became ready would keep its own fix out.
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            ...fuse.pod,
            securityContext: restrictedPod(UID),
            terminationGracePeriodSeconds: GRACE_SECONDS,
            initContainers: [keeper('check', image), keeper('watch', image), ...fuse.initContainers],
            containers: [this.server(props, fuse)],
            volumes: [config.volume('config'), trustVolume('trust'), TMP, ...fuse.volumes],
          },
        },
        volumeClaimTemplates: dataClaim(storage, storageClass),
      },
    });
    if (backup) {
      new EventBackup(this, 'Backup', {
        ...backup,
        beside: this.connections,
        claim: this.claim,
        folderInClaim: 'events',
        uid: UID,
      });
    }
  }

  /** The key that every event is signed with. */
  get eventSecret(): Credential {
    return this.secrets.of('event');
  }

  /** Sends spans and the durations of requests to an OpenTelemetry collector, by gRPC over TLS. */
  exportTo(collector: Endpoint): void {
    this.connections.watch(collector);
    this.telemetry = collector;
  }

  private server(
    { image, resources: size, logLevel = 'INFO' }: BridgeWithFuseProps,
    fuse: FuseMount,
  ): Container {
    const health = { httpGet: { path: '/health', port: this.api.name }, timeoutSeconds: 2 };
    return {
      name: BRIDGE.container,
      image,
      // The image's own command is another program's.
      command: ['opentelemetry-instrument', 'python', '-m', 'lighthouse.bridge.run_bridge'],
      workingDir: '/app',
      env: Lazy.any({ produce: () => [...this.settings(logLevel), ...this.instrumentation(logLevel)] }),
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
      resources: resources(size),
      volumeMounts: [
        { name: 'data', mountPath: DATA },
        fuse.volumeMount,
        { name: 'tmp', mountPath: '/tmp' },
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
      ],
    };
  }

  private settings(logLevel: string): EnvVar[] {
    const secrets = Object.entries(SECRETS) as [keyof typeof SECRETS, string][];
    return [
      { name: 'LIGHTHOUSE_PORT', value: String(this.api.port) },
      { name: 'LIGHTHOUSE_LOG_LEVEL', value: logLevel },
      { name: 'LIGHTHOUSE_DATA_DIR', value: DATA },
      ...secrets.map(([user, name]) => this.secrets.of(user).env(name)),
      { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
      { name: 'PYTHONUNBUFFERED', value: '1' },
    ];
  }

  /** Requests become spans and durations by OpenTelemetry's instrumentation: the server itself measures nothing. */
  private instrumentation(logLevel: string): EnvVar[] {
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
      { name: 'OTEL_PYTHON_LOG_LEVEL', value: logLevel.toLowerCase() },
      // It sets up logging before the server does: the server's own form, with the trace in the message.
      {
        name: 'OTEL_PYTHON_LOG_FORMAT',
        value:
          '[%(levelname)s] %(asctime)s - %(name)s - %(message)s trace_id=%(otelTraceID)s span_id=%(otelSpanID)s',
      },
    ];
  }
}

/** What the server writes to beside its data and the file system; its root is read-only. */
const TMP: Volume = { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } };

/** It says every second that it has looked; where it hangs, what is rotated next is lost. */
const LOOKING: Probe = {
  exec: { command: ['/bin/sh', '-c', 'test -n "$(find /tmp/keep-events -mmin -1)"'] },
  timeoutSeconds: 5,
  periodSeconds: 20,
};

/** Guards the log of events: once before the server starts, and beside it, from before its start to after its end. */
function keeper(task: 'check' | 'watch', image: string): Container {
  return {
    name: `${task}-events`,
    image,
    ...(task === 'watch' ? { restartPolicy: 'Always', livenessProbe: LOOKING } : {}),
    command: ['/bin/sh', '/config/keep-events.sh', task],
    env: [
      { name: 'EVENTS', value: `${DATA}/events` },
      { name: 'ASIDE', value: `${DATA}/set-aside` },
    ],
    securityContext: RESTRICTED,
    resources: resources({ cpu: '5m', memory: '32Mi' }),
    volumeMounts: [
      { name: 'data', mountPath: DATA },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'config', mountPath: '/config', readOnly: true },
    ],
  };
}
