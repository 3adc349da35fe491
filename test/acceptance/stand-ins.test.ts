import { nextRevision } from '../../acceptance/revisions';
import { emptyOf, REVISION, standInsFor } from '../../acceptance/stand-ins';
import { podOf } from '../../acceptance/templates';
import { budgetOf } from '../../acceptance/pods';
import { SIDECARS } from '../../constructs/platform/labels';
import type { Manifest } from '../../constructs/platform/manifest';
import { workloadOf, workloadsIn } from '../../constructs/platform/workloads';
import type { Printed } from '../../synth/dist';

const cluster = (spec: object = {}): Manifest => ({
  apiVersion: 'postgresql.cnpg.io/v1',
  kind: 'Cluster',
  metadata: {
    name: 'events',
    namespace: 'postgres',
    annotations: { [SIDECARS]: '{"requests":{"cpu":"50m","memory":"256Mi"},"limits":{"memory":"256Mi"}}' },
  },
  spec: {
    instances: 3,
    affinity: { podAntiAffinityType: 'required', topologyKey: 'kubernetes.io/hostname' },
    resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
    storage: { size: '10Gi', storageClass: 'ssd' },
    walStorage: { size: '5Gi', storageClass: 'ssd' },
    topologySpreadConstraints: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
    ...spec,
  },
});

const pooler: Manifest = {
  apiVersion: 'postgresql.cnpg.io/v1',
  kind: 'Pooler',
  metadata: { name: 'pool', namespace: 'postgres' },
  spec: {
    cluster: { name: 'events' },
    instances: 2,
    pgbouncer: { image: 'pgbouncer:1' },
    template: {
      metadata: { labels: { app: 'pool' } },
      spec: {
        containers: [{ name: 'pgbouncer', resources: { requests: { cpu: '50m', memory: '64Mi' } } }],
        initContainers: [{ name: 'bootstrap-controller' }],
      },
    },
  },
};

test('what stands in for a database is as many pods, as large, as its own model says, sidecars included', () => {
  const [members] = standInsFor(cluster());
  const real = workloadOf(cluster());
  const standIn = members && workloadOf(members);
  expect(standIn).toMatchObject({
    replicas: real?.replicas,
    requests: real?.requests,
    limits: real?.limits,
    labels: real?.labels,
  });
  expect(standIn?.requests.memory).toBe(1280 * 2 ** 20);
});

test('its members are spread, kept apart, and have the same volumes', () => {
  const [members] = standInsFor(cluster());
  expect(members).toMatchObject({
    kind: 'StatefulSet',
    spec: {
      template: {
        spec: {
          topologySpreadConstraints: [{ topologyKey: 'zone' }],
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }],
            },
          },
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { storageClassName: 'ssd', resources: { requests: { storage: '10Gi' } } },
        },
        { metadata: { name: 'wal' }, spec: { resources: { requests: { storage: '5Gi' } } } },
      ],
    },
  });
});

test('a database has a budget of one, unless it is alone or has none', () => {
  const budgets = (spec: object) =>
    standInsFor(cluster(spec))
      .filter(({ kind }) => kind === 'PodDisruptionBudget')
      .map((manifest) => budgetOf(manifest, workloadsIn(standInsFor(cluster(spec)))));
  expect(budgets({})).toMatchObject([{ expected: 3, minimum: 2 }]);
  expect(budgets({ instances: 1 })).toEqual([]);
  expect(budgets({ enablePDB: false })).toEqual([]);
});

test('what stands in for a pooler has the same pods, and every container an image', () => {
  const [made] = standInsFor(pooler);
  expect(made && workloadOf(made)).toMatchObject({ replicas: 2, labels: workloadOf(pooler)?.labels });
  expect(made && podOf(made)).toMatchObject({
    spec: {
      containers: [{ name: 'pgbouncer', image: 'pgbouncer:1' }],
      initContainers: [{ name: 'bootstrap-controller', image: 'pgbouncer:1' }],
    },
  });
});

test('what stands in for Prometheus or Alertmanager is as many pods, as large, with its volume and labels', () => {
  const alertmanager: Manifest = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'Alertmanager',
    metadata: { name: 'main', namespace: 'observability' },
    spec: {
      replicas: 3,
      image: 'alertmanager:1',
      resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '64Mi' } },
      storage: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1Gi' } } } } },
    },
  };
  const [made, ...more] = standInsFor(alertmanager);
  const real = workloadOf(alertmanager);
  expect(more).toEqual([]);
  expect(made && workloadOf(made)).toMatchObject({
    replicas: 3,
    requests: real?.requests,
    limits: real?.limits,
    labels: real?.labels,
  });
  expect(made).toMatchObject({
    kind: 'StatefulSet',
    metadata: { name: 'alertmanager-main' },
    spec: {
      serviceName: 'alertmanager-operated',
      volumeClaimTemplates: [{ spec: { resources: { requests: { storage: '1Gi' } } } }],
    },
  });
  expect(made && podOf(made)).toMatchObject({
    spec: {
      containers: [
        { name: 'alertmanager', image: 'alertmanager:1' },
        { name: 'config-reloader', image: expect.stringContaining('/prometheus-config-reloader:v') },
      ],
    },
  });
});

test('other kinds stand for themselves', () => {
  expect(standInsFor({ ...pooler, kind: 'Deployment' })).toEqual([]);
});

test('what Jobs and operators make is made empty, with its keys', () => {
  expect(emptyOf({ identity: 'Secret/app/key', keys: ['user', 'password'] })).toMatchObject({
    kind: 'Secret',
    metadata: { namespace: 'app', name: 'key' },
    data: { user: '', password: '' },
  });
  expect(emptyOf({ identity: 'ServiceAccount/app/own' })).toMatchObject({ kind: 'ServiceAccount' });
  expect(emptyOf({ identity: 'Service/app/rw' })).toBeUndefined();
});

describe('the next revision', () => {
  const next = (manifest: Manifest): Manifest | undefined =>
    nextRevision([{ manifest } as unknown as Printed])[0]?.manifest;
  const template = { spec: { containers: [] } };
  const annotated = { metadata: { annotations: { [REVISION]: 'next' } } };

  test.each(['Deployment', 'StatefulSet', 'Job'])('changes the template of a %s', (kind) => {
    expect(next({ ...pooler, kind, spec: { template } })).toMatchObject({ spec: { template: annotated } });
  });

  test('changes that of a CronJob, of a pooler, and the members of a database', () => {
    expect(next({ ...pooler, kind: 'CronJob', spec: { jobTemplate: { spec: { template } } } })).toMatchObject(
      {
        spec: { jobTemplate: { spec: { template: annotated } } },
      },
    );
    expect(next(pooler)).toMatchObject({ spec: { template: annotated } });
    const [members] = standInsFor(next(cluster()) ?? cluster());
    expect(members).toMatchObject({ spec: { template: annotated } });
    const [monitor] = standInsFor(next({ ...cluster(), kind: 'Prometheus', spec: {} }) ?? cluster());
    expect(monitor).toMatchObject({ kind: 'StatefulSet', spec: { template: annotated } });
  });

  test('leaves everything else alone, also what is only called a template', () => {
    const other = { ...pooler, kind: 'ExternalSecret', spec: { target: { template: { data: {} } } } };
    expect(next(other)).toEqual(other);
  });
});

test('a pod is made of a template with the claims of its set', () => {
  const [members] = standInsFor(cluster());
  expect(members && podOf(members)).toMatchObject({
    kind: 'Pod',
    metadata: { namespace: 'postgres' },
    spec: {
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'wal', persistentVolumeClaim: { claimName: 'wal' } },
      ],
    },
  });
  expect(podOf(pooler)).toBeUndefined();
});
