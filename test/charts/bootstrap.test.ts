import { operatorChart, OPERATOR_NAMES } from '../../constructs/platform-operators/operators';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { ApplicationSpec, AppProjectSpec } from '../../imports/argoproj.io';
import type { Platform } from '../../synth/platform';
import { printPlatform } from '../../synth/print';
import { find } from '../support';
import { expectSnapshot, manifestsIn, platformOf, PLATFORMS } from './support';

const PHASES = ['foundation', 'automation', 'operations', 'validation'] as const;

const applicationsOf = (platform: Platform): Manifest[] =>
  manifestsIn(platform, 'bootstrap').filter(({ kind }) => kind === 'Application');

const names = (platform: Platform): string[] => applicationsOf(platform).map(({ metadata }) => metadata.name);

const sourceOf = (application: Manifest) => spec<ApplicationSpec>(application).source;

const wave = ({ metadata }: Manifest): number =>
  Number(metadata.annotations?.['argocd.argoproj.io/sync-wave']);

const projectOf = (platform: Platform, name: string): AppProjectSpec =>
  spec<AppProjectSpec>(find(manifestsIn(platform, 'bootstrap'), 'AppProject', name));

/** Group and kind as a project's whitelists say them; the group of `v1` has no name. */
const kindOf = ({ apiVersion, kind }: Manifest): string =>
  `${apiVersion.includes('/') ? apiVersion.split('/')[0] : ''}/${kind}`;

const listed = (kinds: readonly { group: string; kind: string }[] = []): string[] =>
  kinds.map(({ group, kind }) => `${group}/${kind}`);

const sortedSet = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** Custom resources whose health Argo CD 3.2 brings (its resource_customizations), and those that have none to tell of. */
const HEALTH_ELSEWHERE = [
  ...['Certificate', 'ClusterIssuer', 'Issuer'].map((kind) => `cert-manager.io_${kind}`),
  ...['ExternalSecret', 'SecretStore', 'ClusterSecretStore'].map((kind) => `external-secrets.io_${kind}`),
  'argoproj.io_AppProject',
  // Whether there is a recommendation is nothing that a sync waits for.
  'autoscaling.k8s.io_VerticalPodAutoscaler',
  ...['PodMonitor', 'Probe', 'Prometheus', 'PrometheusRule', 'ServiceMonitor'].map(
    (kind) => `monitoring.coreos.com_${kind}`,
  ),
  // What is let through is nothing to wait for: agents that have not heard of it refuse.
  ...['AuthorizationPolicy', 'PeerAuthentication'].map((kind) => `security.istio.io_${kind}`),
];

/** Whether a kind belongs to a custom resource: Kubernetes' own groups have no dot, or end in k8s.io. */
const isCustom = ({ apiVersion }: Manifest): boolean =>
  /\..*\//.test(apiVersion) && !/k8s\.io\//.test(apiVersion);

describe.each(PLATFORMS)('bootstrap of %s', (name, platform) => {
  test('has an Application for every folder with files, and for no other', () => {
    const folders = [...printPlatform(platform).keys()].map((file) => file.slice(0, file.lastIndexOf('/')));
    const paths = applicationsOf(platform).flatMap((application) => sourceOf(application)?.path ?? []);
    expect(paths.toSorted()).toEqual(sortedSet(folders));
    expect(paths).toContain(`${name}/foundation`);
  });

  test('lets the phases make exactly the kinds and namespaces that they hold', () => {
    const objects = manifestsIn(platform, ...PHASES);
    const { clusterResourceWhitelist, namespaceResourceWhitelist, destinations } = projectOf(
      platform,
      'lighthouse',
    );
    const inside = objects.filter(({ metadata }) => metadata.namespace !== undefined);
    const outside = objects.filter(({ metadata }) => metadata.namespace === undefined);
    expect(listed(namespaceResourceWhitelist).sort()).toEqual(sortedSet(inside.map(kindOf)));
    expect(listed(clusterResourceWhitelist).sort()).toEqual(sortedSet(outside.map(kindOf)));
    expect(destinations?.map(({ namespace }) => namespace).sort()).toEqual(
      sortedSet(inside.flatMap(({ metadata }) => metadata.namespace ?? [])),
    );
  });

  test('lets the root make all that is in its own folder', () => {
    const { clusterResourceWhitelist, namespaceResourceWhitelist, destinations } = projectOf(
      platform,
      'lighthouse-bootstrap',
    );
    expect(clusterResourceWhitelist).toEqual([]);
    for (const manifest of manifestsIn(platform, 'bootstrap')) {
      expect(listed(namespaceResourceWhitelist)).toContain(kindOf(manifest));
      expect(destinations?.map(({ namespace }) => namespace)).toContain(manifest.metadata.namespace);
    }
  });

  test('sends every Application where its project allows, from where it allows', () => {
    for (const application of applicationsOf(platform)) {
      const { project, destination, source } = spec<ApplicationSpec>(application);
      const { destinations, sourceRepos } = projectOf(platform, project);
      expect(destinations).toContainEqual(destination);
      expect(sourceRepos).toContain(source?.repoURL);
    }
  });

  test('comes in waves: projects, operators, phase after phase', () => {
    const waveOf = (of: string): number => wave(find(manifestsIn(platform, 'bootstrap'), 'Application', of));
    const operators = OPERATOR_NAMES.flatMap((operator) =>
      names(platform).includes(`operators-${operator}`) && !operatorChart(operator).isLate
        ? waveOf(`operators-${operator}`)
        : [],
    );
    for (const project of manifestsIn(platform, 'bootstrap').filter(({ kind }) => kind === 'AppProject'))
      expect(wave(project)).toBeLessThan(Math.min(...operators));
    const phases = applicationsOf(platform)
      .filter((application) => spec<ApplicationSpec>(application).project === 'lighthouse')
      .map(wave);
    expect(phases[0]).toBeGreaterThan(Math.max(...operators));
    expect(phases).toEqual(phases.map((_, index) => (phases[0] ?? NaN) + index));
  });

  test('retries with a newer revision', () => {
    for (const application of applicationsOf(platform))
      expect(spec<ApplicationSpec>(application).syncPolicy?.retry?.refresh).toBe(true);
  });

  test('tells Argo CD when each custom resource is healthy, unless it knows', () => {
    const { data } = find(manifestsIn(platform, 'bootstrap'), 'ConfigMap', 'argocd-cm');
    const ours = Object.keys(data as object).flatMap((key) => key.split('.health.')[1] ?? []);
    const kinds = manifestsIn(platform, 'bootstrap', ...PHASES)
      .filter(isCustom)
      .map(({ apiVersion, kind }) => `${apiVersion.split('/')[0]}_${kind}`);
    expect(kinds.filter((kind) => !ours.includes(kind) && !HEALTH_ELSEWHERE.includes(kind))).toEqual([]);
  });

  test('is as it was', () => expectSnapshot(platform, 'bootstrap'));
});

const installedIn = (platform: Platform): string[] =>
  names(platform).flatMap((name) => /^operators-(.*)/.exec(name)?.[1] ?? []);

test('operators that a cluster has already are not installed', () => {
  const installed = ['cert-manager', 'prometheus-operator'] as const;
  expect(installedIn(platformOf('development', {}, { installed: [...installed] }))).toEqual([
    'trust-manager',
    'cloudnative-pg',
    'barman-cloud',
  ]);
});

test('every operator is installed where its resources are, and only there: development reads no secrets from outside and has no mesh', () => {
  // One process that keeps its state is neither scaled nor switched, and nobody's signature is asked for.
  const used = OPERATOR_NAMES.filter((name) => !['argo-rollouts', 'keda', 'kyverno'].includes(name));
  expect(installedIn(platformOf('production'))).toEqual(used);
  const away = ['external-secrets', 'istio-base', 'istio-csr', 'istiod', 'istio-cni', 'ztunnel'];
  expect(installedIn(platformOf('development'))).toEqual(used.filter((name) => !away.includes(name)));
});
