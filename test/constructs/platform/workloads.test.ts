import fc from 'fast-check';
import type { Manifest } from '../../../constructs/platform/manifest';
import {
  containersOf,
  totalOf,
  type Workload,
  workloadOf,
  workloadsIn,
} from '../../../constructs/platform/workloads';
import type { Container, PodSpec } from '../../../imports/k8s';

const MIB = 2 ** 20;

/** A container that reserves so much, with a limit of twice the memory. */
const container = (name: string, cpu: number, memory: number, own: Partial<Container> = {}): Container => ({
  name,
  resources: {
    requests: { cpu: `${cpu}m`, memory: `${memory}Mi` },
    limits: { memory: `${memory * 2}Mi` },
  },
  ...own,
});

const sidecar = (name: string, cpu: number, memory: number): Container =>
  container(name, cpu, memory, { restartPolicy: 'Always' });

const object = (kind: string, spec: object, annotations?: Record<string, string>): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'x', namespace: 'app', ...(annotations ? { annotations } : {}) },
  spec,
});

const template = (spec: Partial<PodSpec> = {}) => ({
  metadata: { labels: { app: 'x' } },
  spec: { containers: [container('main', 100, 64)], ...spec },
});

const read = (manifest: Manifest) => {
  const workload = workloadOf(manifest);
  if (!workload) throw new Error('it makes no pods');
  return workload;
};

test.each([
  ['one pod where nothing is said, a quarter more while it is updated', {}, 1, 1],
  ['a quarter is rounded up', { replicas: 5 }, 5, 2],
  ['a number', { replicas: 3, strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } } }, 3, 2],
  [
    'one away first: it still counts until it is gone',
    { replicas: 3, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } },
    3,
    1,
  ],
  [
    'neither: Kubernetes takes one away',
    { replicas: 3, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
    3,
    1,
  ],
  ['all away first', { replicas: 3, strategy: { type: 'Recreate' } }, 3, 0],
  ['none', { replicas: 0 }, 0, 0],
])('the pods of a Deployment: %s', (_, own, replicas, surge) => {
  expect(read(object('Deployment', { template: template(), ...own }))).toMatchObject({
    replicas,
    surge,
    labels: { app: 'x' },
  });
});

test('how an update replaces pods is told as the controller reckons it', () => {
  const update = (strategy: object) =>
    read(object('Deployment', { replicas: 5, strategy, template: template() })).update;

  expect(update({})).toEqual({ surge: 2, unavailable: 1 });
  expect(update({ rollingUpdate: { maxSurge: '50%', maxUnavailable: '50%' } })).toEqual({
    surge: 3,
    unavailable: 2,
  });
  expect(update({ rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' } })).toEqual({
    surge: 0,
    unavailable: 1,
  });
  expect(update({ type: 'Recreate' })).toBeUndefined();
});

test.each([
  ['StatefulSet', { replicas: 3, template: template() }, 3, 0],
  ['StatefulSet', { template: template() }, 1, 0],
  ['Job', { template: template() }, 0, 1],
  ['Job', { parallelism: 4, template: template() }, 0, 4],
  ['CronJob', { jobTemplate: { spec: { template: template() } } }, 0, 1],
])('a %s of %j', (kind, spec, replicas, surge) => {
  expect(read(object(kind, spec))).toMatchObject({
    replicas,
    surge,
    requests: { cpu: 0.1, memory: 64 * MIB },
  });
});

test('a Service makes no pods', () => {
  expect(workloadOf(object('Service', {}))).toBeUndefined();
  expect(workloadsIn([object('Service', {}), object('Job', { template: template() })])).toHaveLength(1);
});

test('a DaemonSet has a pod on each of the nodes that it was told, and more only where its update makes them first', () => {
  const everywhere = (rollingUpdate?: object, nodes = '5') =>
    read(
      object(
        'DaemonSet',
        { template: template(), updateStrategy: { rollingUpdate } },
        { 'lighthouse/nodes': nodes },
      ),
    );

  expect(everywhere()).toMatchObject({
    replicas: 5,
    surge: 0,
    update: { surge: 0, unavailable: 1 },
    requests: { cpu: 0.1, memory: 64 * MIB },
  });
  expect(everywhere({ maxUnavailable: '30%' }).update).toEqual({ surge: 0, unavailable: 2 });
  expect(everywhere({ maxSurge: '30%', maxUnavailable: 0 })).toMatchObject({ replicas: 5, surge: 2 });
});

describe('prometheus-operator', () => {
  const { resources } = container('main', 200, 256);
  const monitor = (kind: string, spec: object) =>
    read(object(kind, { image: 'monitor:1', resources, ...spec }));

  test('adds a reloader to every pod, and labels', () => {
    expect(monitor('Alertmanager', { replicas: 3 })).toMatchObject({
      replicas: 3,
      surge: 0,
      requests: { cpu: expect.closeTo(0.21) as number, memory: (256 + 50) * MIB },
      limits: { memory: (512 + 50) * MIB },
      labels: {
        'app.kubernetes.io/name': 'alertmanager',
        'app.kubernetes.io/instance': 'x',
        'app.kubernetes.io/managed-by': 'prometheus-operator',
        alertmanager: 'x',
      },
    });
    expect(monitor('Prometheus', { podMetadata: { labels: { own: 'yes' } } }).labels).toMatchObject({
      'app.kubernetes.io/name': 'prometheus',
      'operator.prometheus.io/name': 'x',
      prometheus: 'x',
      own: 'yes',
    });
  });

  test('makes as many pods as replicas, once per shard', () => {
    expect(monitor('Prometheus', {}).replicas).toBe(1);
    expect(monitor('Prometheus', { replicas: 2, shards: 3 }).replicas).toBe(6);
  });

  test('changes its containers by name as told, and adds others', () => {
    const { requests, limits, pod } = monitor('Prometheus', {
      containers: [container('config-reloader', 20, 32), container('proxy', 30, 16)],
      initContainers: [container('init-config-reloader', 20, 32)],
    });
    expect(Math.round(requests.cpu * 1000)).toBe(250);
    expect([requests.memory / MIB, limits.memory / MIB]).toEqual([256 + 32 + 16, 2 * (256 + 32 + 16)]);
    expect(pod && containersOf(pod).map(({ name }) => name)).toEqual([
      'init-config-reloader',
      'prometheus',
      'config-reloader',
      'proxy',
    ]);
  });

  test('gives each program its ports, probes and time to stop', () => {
    const main = ({ pod }: Workload) => pod?.containers[0];
    expect(main(monitor('Prometheus', {}))).toMatchObject({
      ports: [{ name: 'web', containerPort: 9090 }],
      startupProbe: { httpGet: { path: '/-/ready', port: 'web' }, failureThreshold: 60 },
    });
    const alertmanager = monitor('Alertmanager', { web: { tlsConfig: {} }, portName: 'https' });
    expect(main(alertmanager)).toMatchObject({
      ports: [{ name: 'https' }, { name: 'mesh-tcp' }, { name: 'mesh-udp', protocol: 'UDP' }],
      livenessProbe: { httpGet: { port: 'https', scheme: 'HTTPS' } },
    });
    expect(alertmanager.pod?.terminationGracePeriodSeconds).toBe(120);
    expect(
      monitor('Prometheus', { terminationGracePeriodSeconds: 60 }).pod?.terminationGracePeriodSeconds,
    ).toBe(60);
  });
});

describe('PostgreSQL', () => {
  const resources = container('postgres', 1000, 1024).resources;

  test('one pod more while a member is cloned, which a single instance never is', () => {
    expect(read(object('Cluster', { instances: 3, resources }))).toMatchObject({
      replicas: 3,
      surge: 1,
      requests: { cpu: 1, memory: 1024 * MIB },
      limits: { memory: 2048 * MIB },
    });
    expect(read(object('Cluster', { instances: 1, resources })).surge).toBe(0);
  });

  test('what a plugin adds counts', () => {
    const added = { 'lighthouse/sidecars': JSON.stringify(container('plugin', 50, 256).resources) };

    expect(read(object('Cluster', { instances: 1, resources }, added)).requests).toEqual({
      cpu: 1.05,
      memory: 1280 * MIB,
    });
  });

  test('a pooler is updated as it says, and carries the labels of the operator and its own', () => {
    const pooler = (deploymentStrategy?: object) =>
      read(
        object('Pooler', { cluster: { name: 'db' }, instances: 3, deploymentStrategy, template: template() }),
      );

    expect(pooler()).toMatchObject({ replicas: 3, surge: 1, update: { surge: 1, unavailable: 0 } });
    expect(pooler({ rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }).update).toEqual({
      surge: 0,
      unavailable: 1,
    });
    expect(pooler().labels).toMatchObject({ app: 'x', 'cnpg.io/poolerName': 'x', 'cnpg.io/cluster': 'db' });
  });
});

describe('what a pod reserves', () => {
  const amounts = (spec: Partial<PodSpec>) => {
    const { requests, limits } = read(object('Job', { template: template(spec) }));
    return [Math.round(requests.cpu * 1000), requests.memory / MIB, limits.memory / MIB];
  };

  test('its containers together', () => {
    expect(amounts({ containers: [container('a', 100, 64), container('b', 50, 32)] })).toEqual([
      150, 96, 192,
    ]);
  });

  test('a larger init container before them, each resource by itself', () => {
    const initContainers = [container('small', 10, 8), container('large', 20, 512)];
    expect(amounts({ initContainers })).toEqual([100, 512, 1024]);
  });

  test('sidecars beside them', () => {
    expect(amounts({ initContainers: [sidecar('proxy', 10, 16)] })).toEqual([110, 80, 160]);
  });

  test('an init container with the sidecars before it, not with those after it', () => {
    const init = container('large', 20, 512);
    expect(amounts({ initContainers: [sidecar('proxy', 10, 16), init] })).toEqual([110, 528, 1056]);
    expect(amounts({ initContainers: [init, sidecar('proxy', 10, 16)] })).toEqual([110, 512, 1024]);
  });

  test('what the pod itself states comes first', () => {
    const resources = { requests: { memory: '1Gi' }, limits: { memory: '3Gi' } };
    expect(amounts({ resources })).toEqual([100, 1024, 3072]);
  });

  test('without a limit there is no end', () => {
    const { limits } = read(object('Job', { template: template({ containers: [{ name: 'main' }] }) }));
    expect(limits).toEqual({ cpu: Infinity, memory: Infinity });
  });

  test('never less than what runs together, nor than any one container', () => {
    const any = fc.record({
      cpu: fc.integer({ min: 0, max: 9 }),
      memory: fc.integer({ min: 0, max: 9 }),
      stays: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(any, { maxLength: 4 }),
        fc.array(any, { minLength: 1, maxLength: 3 }),
        (before, running) => {
          const spec = {
            initContainers: before.map(({ cpu, memory, stays }) =>
              stays ? sidecar('s', cpu, memory) : container('i', cpu, memory),
            ),
            containers: running.map(({ cpu, memory }) => container('c', cpu, memory)),
          };
          const together = [...running, ...before.filter(({ stays }) => stays)];
          const sum = together.reduce((total, { memory }) => total + memory, 0);
          const all = [...before, ...running].reduce((total, { memory }) => total + memory, 0);
          const [, memory = 0] = amounts(spec);

          expect(memory).toBeGreaterThanOrEqual(Math.max(sum, ...before.map((each) => each.memory)));
          expect(memory).toBeLessThanOrEqual(all);
        },
      ),
    );
  });
});

test('the total is of pods at rest and on top of them', () => {
  const workloads = workloadsIn([
    object('Deployment', { replicas: 2, template: template() }),
    object('Job', { template: template() }),
  ]);

  expect(totalOf(workloads).cpu).toBeCloseTo(0.4);
  expect(totalOf(workloads).memory).toBe(4 * 64 * MIB);
  expect(totalOf(workloads, 'limits').memory).toBe(4 * 128 * MIB);
});

test('all containers of a pod, init containers first', () => {
  const spec = { initContainers: [container('init', 1, 1)], containers: [container('main', 1, 1)] };
  expect(containersOf(spec).map(({ name }) => name)).toEqual(['init', 'main']);
});
