import { resources } from '../../constructs/platform/pod';
import { containers } from '../../guarantees/containers';
import type { Container } from '../../imports/k8s';
import { container, database, object, platformOf, pod, store, workload } from './objects';
import { causesOf, findingsOf } from './support';

const deployment = (...own: Container[]) => workload('Deployment', {}, pod({ containers: own }));

const JOB = { backoffLimit: 6, activeDeadlineSeconds: 600 };

const job = (own: object, spec = pod({ containers: [container({ livenessProbe: undefined })] })) =>
  object('Job', 'x', { ...JOB, ...own, template: { spec } });

const cron = (own: object, jobSpec: object = JOB) =>
  object('CronJob', 'x', {
    concurrencyPolicy: 'Forbid',
    ...own,
    jobTemplate: { spec: { ...jobSpec, template: { spec: pod() } } },
  });

test('containers without a fault, and what operators make, are no finding', () => {
  const platform = platformOf([deployment(container()), job({}), cron({}), database(), store()]);

  expect(findingsOf(containers, platform)).toEqual([]);
  expect(containers.check(platform).facts).toEqual([
    { subject: 'containers with requests and memory limit', figure: '3' },
    { subject: 'probes', figure: '5' },
  ]);
});

test.each<[Container['resources'], string]>([
  [undefined, 'no requests.cpu, no requests.memory, no limits.memory'],
  [{ requests: { cpu: '1', memory: '1Gi' } }, 'no limits.memory'],
  [{ requests: { memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } }, 'no requests.cpu'],
])('resources %j are found', (own, what) => {
  const finding = {
    path: 'Deployment/x',
    cause: `container main of Deployment app/x has ${what}`,
    remedy: 'write resources: resources({ cpu, memory })',
  };

  expect(findingsOf(containers, platformOf([deployment(container({ resources: own }))]))).toEqual([finding]);
  const init = pod({ initContainers: [container({ name: 'init', resources: own })] });
  expect(findingsOf(containers, platformOf([workload('Deployment', {}, init)]))).toEqual([
    { ...finding, cause: finding.cause.replace('main', 'init') },
  ]);
});

test('a request above its limit is found', () => {
  const own = { requests: { cpu: '1', memory: '2Gi' }, limits: { memory: '1Gi' } };

  expect(causesOf(containers, platformOf([deployment(container({ resources: own }))]))).toEqual([
    'container main of Deployment app/x requests 2Gi of memory above its limit of 1Gi',
  ]);
});

test('a container that runs for long needs a liveness probe, or a reason', () => {
  const silent = deployment(container({ livenessProbe: undefined }));
  const annotated = (spec: Container) =>
    workload('Deployment', {
      template: {
        metadata: { annotations: { 'lighthouse/no-liveness.main': 'it ends by itself when it hangs' } },
        spec: pod({ containers: [spec] }),
      },
    });

  expect(findingsOf(containers, platformOf([silent]))).toEqual([
    {
      path: 'Deployment/x',
      cause:
        'container main of Deployment app/x has no liveness probe and no reason for it: when it hangs, it hangs for ever',
      remedy: 'add one, or write why not as annotation lighthouse/no-liveness.main of the pod template',
    },
  ]);
  expect(findingsOf(containers, platformOf([annotated(container({ livenessProbe: undefined }))]))).toEqual(
    [],
  );
  expect(causesOf(containers, platformOf([annotated(container())]))).toEqual([
    'container main of Deployment app/x has a liveness probe and a reason for none: "it ends by itself when it hangs"',
  ]);
});

test('a container that listens needs a readiness probe; one that does not listen does not', () => {
  const unready = { readinessProbe: undefined };

  expect(findingsOf(containers, platformOf([deployment(container(unready))]))).toEqual([
    {
      path: 'Deployment/x',
      cause:
        'container main of Deployment app/x listens and has no readiness probe: clients are sent to it before it answers',
      remedy: 'add one',
    },
  ]);
  const deaf = { ...unready, ports: [], livenessProbe: { exec: { command: ['x'] }, timeoutSeconds: 5 } };
  expect(findingsOf(containers, platformOf([deployment(container(deaf))]))).toEqual([]);
});

test('native sidecars run for long, other init containers do not', () => {
  const init = (restartPolicy?: string) =>
    workload(
      'Deployment',
      {},
      pod({
        initContainers: [
          container({
            name: 'init',
            ports: [],
            livenessProbe: undefined,
            readinessProbe: undefined,
            restartPolicy,
          }),
        ],
      }),
    );

  expect(findingsOf(containers, platformOf([init()]))).toEqual([]);
  expect(causesOf(containers, platformOf([init('Always')]))).toEqual([
    'container init of Deployment app/x has no liveness probe and no reason for it: when it hangs, it hangs for ever',
  ]);
});

test.each<[number, number, number, number]>([
  [0, 10, 3, 1],
  [0, 10, 6, 0],
  [30, 10, 3, 0],
  [29, 10, 3, 1],
])(
  'what reads a volume has a minute: %i s and %i × %i s give %i finding(s)',
  (initialDelaySeconds, periodSeconds, failureThreshold, count) => {
    const livenessProbe = {
      tcpSocket: { port: 'http' },
      initialDelaySeconds,
      periodSeconds,
      failureThreshold,
    };
    const reading = container({ livenessProbe, volumeMounts: [{ name: 'data', mountPath: '/data' }] });
    const members = (own: Container, data: object) =>
      platformOf([workload('StatefulSet', data, pod({ containers: [own] }))]);
    const claim = { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] };

    expect(causesOf(containers, members(reading, claim))).toEqual(
      Array(count).fill(
        `container main of StatefulSet app/x reads a volume at its start and is killed after ${initialDelaySeconds + periodSeconds * failureThreshold} s without an answer`,
      ),
    );
    expect(causesOf(containers, members(reading, {}))).toEqual([]);
    const patient = { ...reading, startupProbe: { tcpSocket: { port: 'http' } } };
    expect(causesOf(containers, members(patient, claim))).toEqual([]);
  },
);

test('a probe by number asks a port of its pod', () => {
  const asking = (port: number) =>
    platformOf([
      deployment(
        container({ livenessProbe: { tcpSocket: { port } } }),
        container({ name: 'other', ports: [{ name: 'other', containerPort: 9090 }] }),
      ),
    ]);

  expect(findingsOf(containers, asking(8080))).toEqual([]);
  expect(findingsOf(containers, asking(9090))).toEqual([]);
  expect(findingsOf(containers, asking(80))).toEqual([
    {
      path: 'Deployment/x',
      cause: 'the liveness probe of container main of Deployment app/x asks port 80, its pod has 8080, 9090',
      remedy: 'ask a port that the container listens on: endpoint.name',
    },
  ]);
});

test.each([
  [undefined, 1],
  [1, 1],
  [2, 0],
])(
  'a program has longer than a second to answer: timeout %p gives %i finding(s)',
  (timeoutSeconds, count) => {
    const own = container({ readinessProbe: { exec: { command: ['check'] }, timeoutSeconds } });

    expect(causesOf(containers, platformOf([deployment(own)]))).toEqual(
      Array(count).fill(
        'the readiness probe of container main of Deployment app/x starts a program and gives it 1 s',
      ),
    );
  },
);

test('PgBouncer has the readiness probe of its operator, and needs a liveness probe of its own', () => {
  const pooler = (own: Partial<Container>) =>
    platformOf([
      object('Pooler', 'pool', {
        cluster: { name: 'db' },
        template: {
          spec: { containers: [container({ name: 'pgbouncer', readinessProbe: undefined, ...own })] },
        },
      }),
    ]);

  expect(findingsOf(containers, pooler({}))).toEqual([]);
  expect(causesOf(containers, pooler({ name: 'spare' }))).toHaveLength(1);
  expect(causesOf(containers, pooler({ ports: [], livenessProbe: undefined }))).toEqual([
    'container pgbouncer of Pooler app/pool has no liveness probe and no reason for it: when it hangs, it hangs for ever',
  ]);
});

test('jobs come to an end', () => {
  expect(causesOf(containers, platformOf([job({ backoffLimit: undefined })]))).toEqual([
    'Job app/x does not say how often it is tried',
  ]);
  expect(causesOf(containers, platformOf([job({ activeDeadlineSeconds: undefined })]))).toEqual([
    'Job app/x has no end: a run that hangs keeps its sync wave waiting for ever',
  ]);
  const ofPod = pod({ activeDeadlineSeconds: 60 });
  expect(causesOf(containers, platformOf([job({ activeDeadlineSeconds: undefined }, ofPod)]))).toEqual([]);
  expect(causesOf(containers, platformOf([cron({}, {})]))).toEqual([
    'CronJob app/x does not say how often it is tried',
    'CronJob app/x has no end: a run that hangs keeps all later runs waiting for ever',
  ]);
  expect(causesOf(containers, platformOf([cron({ concurrencyPolicy: undefined })]))).toEqual([
    'runs of CronJob app/x may overlap, without an end to how many',
  ]);
});

test('PostgreSQL and its backup container have resources, and the sum that is counted is theirs', () => {
  expect(causesOf(containers, platformOf([database({ resources: undefined }), store()]))).toEqual([
    'container postgres of Cluster app/db has no requests.cpu, no requests.memory, no limits.memory',
  ]);
  expect(
    findingsOf(containers, platformOf([database(), store('store', { instanceSidecarConfiguration: {} })])),
  ).toEqual([
    {
      path: 'ObjectStore/store',
      cause:
        'container plugin-barman-cloud of ObjectStore app/store has no requests.cpu, no requests.memory, no limits.memory',
      remedy: 'write resources: resources({ cpu, memory })',
    },
  ]);
  const larger = { instanceSidecarConfiguration: { resources: resources({ cpu: '1', memory: '1Gi' }) } };
  expect(causesOf(containers, platformOf([database(), store('store', larger)]))).toEqual([
    'Cluster app/db announces {"requests":{"cpu":"50m","memory":"256Mi"},"limits":{"memory":"256Mi"}} for the backup container, which gets {"requests":{"cpu":"1","memory":"1Gi"},"limits":{"memory":"1Gi"}}: quota and budget count another sum',
  ]);
});
