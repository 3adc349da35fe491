import { Construct } from 'constructs';
import { BridgeWithFuse, type BridgeWithFuseProps } from '../../constructs/bridge-with-fuse';
import type { LocalState } from '../../constructs/bridge-with-fuse/local';
import { Connections } from '../../constructs/platform/connections';
import type { Manifest } from '../../constructs/platform/manifest';
import { containersOf, spec, workloadOf } from '../../constructs/platform/workloads';
import type {
  Container,
  CronJobSpec,
  NetworkPolicySpec,
  ServiceSpec,
  StatefulSetSpec,
} from '../../imports/k8s';
import { bucketOf, find, type Ground, manifestsOf, platformWith } from '../support';

const local: Required<LocalState> = {
  kind: 'local',
  storage: '2Gi',
  storageClass: 'standard',
  backup: {
    image: 'docker.io/amazon/aws-cli:2.0.0',
    bucket: bucketOf('bridge-test-here'),
    folder: 'test-here',
    recoveryPointMinutes: 15,
  },
};

/** Every prop; a new one does not compile until it is here. */
const every: Required<Omit<BridgeWithFuseProps, 'maker'>> = {
  image: 'registry.example.com/lighthouse/bridge:1.0.0',
  resources: { cpu: '100m', memory: '192Mi' },
  state: local,
  logLevel: 'DEBUG',
  fuse: {
    mode: 'sidecar',
    image: 'registry.example.com/lighthouse/fuse:1.0.0',
    command: ['python', '-m', 'project', '/mnt/lighthouse/project'],
    resources: { cpu: '20m', memory: '96Mi' },
  },
};

function build(
  props: Partial<BridgeWithFuseProps> = {},
  after?: (bridge: BridgeWithFuse, ground: Ground) => void,
): Manifest[] {
  const { image, resources } = every;
  const { kind, storage, storageClass } = local;
  const needed = { image, resources, state: { kind, storage, storageClass } };
  return manifestsOf(
    platformWith((ground) => {
      const namespace = ground.namespaces.add('bridge');
      const bridge = new BridgeWithFuse(namespace, 'bridge', { ...needed, maker: ground.maker, ...props });
      after?.(bridge, ground);
    }),
  );
}

const setOf = (manifests: readonly Manifest[]): StatefulSetSpec =>
  spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'bridge'));

function container(manifests: readonly Manifest[], name: string): Container {
  const { pod } = workloadOf(find(manifests, 'StatefulSet', 'bridge')) ?? {};
  const found = pod && containersOf(pod).find((each) => each.name === name);
  if (!found) throw new Error(`no container ${name}`);
  return found;
}

const environment = (manifests: readonly Manifest[]): Record<string, string | undefined> =>
  Object.fromEntries(
    (container(manifests, 'bridge').env ?? []).map(({ name, value, valueFrom }) => [
      name,
      value ?? valueFrom?.secretKeyRef?.name ?? valueFrom?.fieldRef?.fieldPath,
    ]),
  );

describe('Lighthouse', () => {
  test('is one process with one volume: its state is known to nobody else', () => {
    const { replicas, volumeClaimTemplates, template } = setOf(build());
    expect(replicas).toBe(1);
    expect(volumeClaimTemplates).toMatchObject([
      { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } } },
    ]);
    const mounts = container(build(), 'bridge').volumeMounts ?? [];
    const writable = mounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
    expect(writable).toEqual(['/app/data', '/mnt/lighthouse', '/tmp']);
    expect(template.spec?.automountServiceAccountToken).toBe(false);
  });

  test('starts the server, not what the image would start', () => {
    expect(container(build(), 'bridge').command).toEqual([
      'opentelemetry-instrument',
      'python',
      '-m',
      'lighthouse.bridge.run_bridge',
    ]);
  });

  test('is ready when it says so itself, and alive when it answers', () => {
    const manifests = build();
    const { livenessProbe, readinessProbe, startupProbe } = container(manifests, 'bridge');
    expect(livenessProbe?.httpGet?.path).toBe('/health');
    expect(startupProbe?.httpGet?.path).toBe('/health');
    expect(readinessProbe?.exec?.command).toEqual(['/bin/sh', '/config/ready.sh']);
    const config = manifests.find(({ metadata }) => metadata.name.startsWith('bridge-config-'));
    expect(config?.['data']).toMatchObject({
      'ready.sh': expect.stringContaining('http://127.0.0.1:8765/status'),
    });
  });

  test('keeps its secrets over restarts: each from a Secret of its own that is made once', () => {
    const variables = environment(build());
    for (const secret of ['EVENT', 'SYSTEM', 'EXPERT', 'AUTH'])
      expect(variables[`LIGHTHOUSE_${secret}_SECRET`]).toBe(`bridge-secrets-${secret.toLowerCase()}`);
  });

  test('has its log of events guarded from before it starts until after it has ended', () => {
    const { template } = setOf(build());
    expect(template.spec?.initContainers).toMatchObject([
      { name: 'check-events', command: ['/bin/sh', '/config/keep-events.sh', 'check'] },
      {
        name: 'watch-events',
        command: ['/bin/sh', '/config/keep-events.sh', 'watch'],
        restartPolicy: 'Always',
      },
    ]);
    expect(template.spec?.initContainers?.[0]).not.toHaveProperty('restartPolicy');
  });

  test('tells nobody of its requests until it is said whom', () => {
    const variables = environment(build());
    expect(variables['OTEL_SDK_DISABLED']).toBe('true');
    expect(variables).not.toHaveProperty('OTEL_EXPORTER_OTLP_ENDPOINT');
  });

  test('sends spans and durations to a collector, which it looks for and does not wait for', () => {
    const manifests = build({}, (bridge, { namespaces }) => {
      const collector = new Connections(new Construct(namespaces.add('observability'), 'collector'), {
        name: 'collector',
        component: 'gateway',
      });
      bridge.exportTo(collector.listen('grpc', 4317));
      expect(bridge.connections.targets.size).toBe(0);
    });
    expect(environment(manifests)).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.observability.svc.cluster.local:4317',
      OTEL_SEMCONV_STABILITY_OPT_IN: 'http',
      OTEL_SERVICE_NAME: 'bridge',
    });
    const { egress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'bridge'));
    expect(egress.flatMap(({ ports = [] }) => ports.map(({ port }) => port))).toContain(4317);
  });

  test('lets nobody in by itself: whoever gets there is handed a session', () => {
    const manifests = build();
    const { ingress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'bridge'));
    expect(ingress).toEqual([]);
    expect(spec<ServiceSpec>(find(manifests, 'Service', 'bridge')).type).toBeUndefined();
  });

  test('takes every prop', () => {
    const manifests = build(every);
    expect(environment(manifests)['LIGHTHOUSE_LOG_LEVEL']).toBe('DEBUG');
    expect(container(manifests, 'bridge')).toMatchObject({
      image: every.image,
      resources: { requests: every.resources, limits: { memory: every.resources.memory } },
    });
  });

  test('copies its log often enough, from the node that has the volume, which it cannot write to', () => {
    const { schedule, jobTemplate } = spec<CronJobSpec>(find(build(every), 'CronJob', 'bridge-backup'));
    expect(schedule).toBe('*/7 * * * *');
    const pod = jobTemplate.spec?.template.spec;
    expect(pod?.volumes).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-bridge-0', readOnly: true },
    });
    const [beside] = pod?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    expect(beside).toEqual({
      topologyKey: 'kubernetes.io/hostname',
      labelSelector: setOf(build()).selector,
    });
    expect(pod?.containers[0]?.env).toEqual(
      expect.arrayContaining([
        { name: 'EVENTS', value: '/data/events' },
        { name: 'BACKUP_BUCKET', value: 'bridge-test-here' },
        { name: 'BACKUP_PREFIX', value: 'test-here' },
        { name: 'BACKUP_ENDPOINT', value: 'https://s3.example.com:9000' },
      ]),
    );
  });

  test.each([1, 61, 2.5])(
    'copies every half of the recovery point, which cannot be %d minutes',
    (minutes) => {
      const backup = { ...local.backup, recoveryPointMinutes: minutes };
      expect(() => build({ state: { ...local, backup } })).toThrow(
        /recoveryPointMinutes must be whole minutes from 2 to 60, got/,
      );
    },
  );

  test('needs room for rotated logs', () => {
    expect(() => build({ state: { ...local, storage: '500Mi' } })).toThrow(
      /bridge: storage must be at least 1000000000 bytes, got 500Mi/,
    );
  });
});
