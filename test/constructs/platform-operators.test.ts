import { PlatformOperators, type PlatformOperatorsProps } from '../../constructs/platform-operators';
import {
  operatorChart,
  OPERATOR_NAMES,
  OPERATORS,
  operatorsFor,
} from '../../constructs/platform-operators/operators';
import { parseQuantity } from '../../constructs/platform/quantity';
import { spec } from '../../constructs/platform/workloads';
import type { ApplicationSpec, AppProjectSpec } from '../../imports/argoproj.io';
import { find, manifestsOf, platformWith } from '../support';

function operators(props?: PlatformOperatorsProps) {
  let nextWave = 0;
  const manifests = manifestsOf(
    platformWith(({ namespaces }) => {
      ({ nextWave } = new PlatformOperators(namespaces.existing('argocd'), 'operators', props));
    }),
  );
  const applications = manifests.filter(({ kind }) => kind === 'Application');
  const waves = new Map(
    applications.map(({ metadata }) => [
      metadata.name,
      Number(metadata.annotations?.['argocd.argoproj.io/sync-wave']),
    ]),
  );
  const project = spec<AppProjectSpec>(find(manifests, 'AppProject', 'operators'));
  return { manifests, applications, names: [...waves.keys()], waves, project, nextWave };
}

/** Every prop; a new one does not compile until it is here. */
const every: Required<PlatformOperatorsProps> = {
  groups: new Set(['barmancloud.cnpg.io', 'trust.cert-manager.io', 'monitoring.coreos.com']),
  installed: ['cert-manager', 'trust-manager'],
  meshed: new Set(['cnpg-system']),
  syncWindows: [
    { kind: 'allow', schedule: '0 6 * * 1-5', duration: '10h', timeZone: 'UTC', manualSync: false },
  ],
  members: { platform: ['owners'], operator: ['on-call'], reader: ['auditors'] },
};

describe('the operators', () => {
  test('are all installed by default, each from its pinned chart', () => {
    const { manifests, names } = operators();
    expect(names).toEqual(OPERATOR_NAMES.map((name) => `operators-${name}`));
    for (const name of OPERATOR_NAMES) {
      const { repository, chart, version, namespace, values } = operatorChart(name);
      expect(version).toMatch(/^v?\d+\.\d+\.\d+$/);
      expect(find(manifests, 'Application', `operators-${name}`)['spec']).toMatchObject({
        project: 'operators',
        destination: { server: 'https://kubernetes.default.svc', namespace },
        source: {
          repoURL: repository,
          chart,
          targetRevision: version,
          helm: { releaseName: name, valuesObject: values },
        },
      });
    }
  });

  test('that are there already are left alone, and so are their repositories and namespaces', () => {
    const { names, project } = operators(every);
    expect(project.syncWindows).toEqual(
      every.syncWindows.map((window) => ({ ...window, applications: ['*'] })),
    );
    expect(names).toEqual([
      'operators-cloudnative-pg',
      'operators-barman-cloud',
      'operators-prometheus-operator',
    ]);
    expect(project.sourceRepos).not.toContain(OPERATORS['cert-manager'].repository);
    expect(project.destinations?.map(({ namespace }) => namespace)).not.toContain('cert-manager');
  });

  test('say of their namespaces what the mesh, the roots and their pods need', () => {
    const { manifests } = operators({ meshed: new Set(['cnpg-system']) });
    const labels = (name: string): unknown =>
      spec<ApplicationSpec>(find(manifests, 'Application', `operators-${name}`)).syncPolicy
        ?.managedNamespaceMetadata?.labels;
    expect(labels('cloudnative-pg')).toEqual({ 'istio.io/dataplane-mode': 'ambient' });
    expect(labels('istio-csr')).toEqual({ 'app.kubernetes.io/part-of': 'lighthouse' });
    for (const name of ['ztunnel', 'istio-cni'])
      expect(labels(name)).toEqual({ 'pod-security.kubernetes.io/enforce': 'privileged' });
    for (const name of ['cert-manager', 'keda', 'istiod']) expect(labels(name)).toBeUndefined();
  });

  test('are those that something needs, and those that these need in turn', () => {
    const { names } = operators({ groups: new Set(['barmancloud.cnpg.io']) });
    expect(names).toEqual(['operators-cert-manager', 'operators-cloudnative-pg', 'operators-barman-cloud']);
    expect(operators({ groups: new Set(['apps']) }).names).toEqual([]);
  });

  test('come after what they need, after their project, and before everything else', () => {
    const { waves, nextWave } = operators();
    const wave = (name: string): number => waves.get(`operators-${name}`) ?? NaN;
    for (const name of OPERATOR_NAMES) {
      expect(wave(name)).toBeGreaterThan(0);
      if (!operatorChart(name).isLate) expect(wave(name)).toBeLessThan(nextWave);
      // It is the first phase that makes what these need.
      else expect(wave(name)).toBeGreaterThan(nextWave);
      for (const needed of operatorChart(name).needs) expect(wave(name)).toBeGreaterThan(wave(needed));
    }
  });

  test('where all are there already, the first wave follows the project', () => {
    const { names, nextWave } = operators({ installed: OPERATOR_NAMES });
    expect(names).toEqual([]);
    expect(nextWave).toBe(1);
  });

  test('may be installed where the project says, and only from the repositories of their charts', () => {
    const { applications, project } = operators();
    const specs = applications.map((application) => spec<ApplicationSpec>(application));
    for (const { destination, source } of specs) {
      expect(project.destinations).toContainEqual(destination);
      expect(project.sourceRepos).toContain(source?.repoURL);
    }
    expect(project.sourceRepos).toHaveLength(new Set(specs.map(({ source }) => source?.repoURL)).size);
  });

  test('try a newer revision instead of the failed one', () => {
    for (const application of operators().applications)
      expect(spec<ApplicationSpec>(application).syncPolicy?.retry?.refresh).toBe(true);
  });
});

/** Everything that `values` reserves, wherever in them, for as many pods as are said beside it. */
function reserved(values: unknown, resource: 'cpu' | 'memory'): number {
  if (typeof values !== 'object' || values === null) return 0;
  const { replicas, replicaCount } = values as { replicas?: number; replicaCount?: number };
  const sum = Object.entries(values).reduce((sum, [key, value]: [string, unknown]) => {
    if (key !== 'resources') return sum + reserved(value, resource);
    // Several pods of one chart lie below one key, each by its name.
    const { requests } = value as { requests?: Record<typeof resource, string> };
    const each = Object.values(value as object).map((of) => ({ resources: of as unknown }));
    return requests === undefined
      ? each.reduce((all, of) => all + reserved(of, resource), sum)
      : sum + parseQuantity(requests[resource]);
  }, 0);
  return sum * (replicas ?? replicaCount ?? 1);
}

describe('a chart', () => {
  test.each(OPERATOR_NAMES)('of %s reserves what is counted for it', (name) => {
    const { requests, values } = operatorChart(name);
    expect(reserved(values, 'cpu')).toBeCloseTo(parseQuantity(requests.cpu));
    expect(reserved(values, 'memory')).toBe(parseQuantity(requests.memory));
  });

  test('needs only operators that there are', () => {
    for (const name of OPERATOR_NAMES)
      expect(OPERATOR_NAMES).toEqual(expect.arrayContaining([...operatorChart(name).needs]));
  });

  test('is found by the API groups of custom resources, with what it needs', () => {
    expect(operatorsFor(new Set(['apps', '']))).toEqual([]);
    expect(operatorsFor(new Set(['postgresql.cnpg.io']))).toEqual(['cloudnative-pg']);
    expect(operatorsFor(new Set(['barmancloud.cnpg.io']))).toEqual([
      'cert-manager',
      'cloudnative-pg',
      'barman-cloud',
    ]);
  });
});
