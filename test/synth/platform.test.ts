import { App, Chart, Size } from 'cdk8s';
import * as kplus from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { Connections } from '../../constructs/platform/connections';
import { spec } from '../../constructs/platform/workloads';
import { ClusterRole, ConfigMap, Deployment, PersistentVolumeClaim } from '../../imports/k8s';
import type { NetworkPolicySpec, PodTemplateSpec } from '../../imports/k8s';
import { readPlatform } from '../../synth/platform';
import { printPlatform } from '../../synth/print';
import { find, manifestsOf, platformWith } from '../support';

/** Pods that listen on one port. */
class Server extends Construct {
  readonly connections = new Connections(this, { name: 'httpd', component: 'server' });
  readonly http = this.connections.listen('http', 8080);

  constructor(scope: Construct, id: string) {
    super(scope, id);
    new Deployment(this, 'Resource', {
      spec: {
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: { containers: [{ name: 'httpd', image: 'docker.io/library/httpd:2.4.65' }] },
        },
      },
    });
  }
}

const IDENTITY = {
  'app.kubernetes.io/name': 'httpd',
  'app.kubernetes.io/instance': 'web',
  'app.kubernetes.io/component': 'server',
};

const wave = (manifests: ReturnType<typeof manifestsOf>, kind: string, name: string): number =>
  Number(find(manifests, kind, name).metadata.annotations?.['argocd.argoproj.io/sync-wave']);

describe('what is printed', () => {
  test('has the labels of the platform and of its pods, which have theirs on the template', () => {
    const manifests = manifestsOf(platformWith(({ namespaces }) => new Server(namespaces.add('a'), 'web')));
    const platform = { 'app.kubernetes.io/managed-by': 'cdk8s', 'app.kubernetes.io/part-of': 'lighthouse' };
    for (const kind of ['Deployment', 'Service', 'NetworkPolicy'])
      expect(find(manifests, kind, 'web').metadata.labels).toEqual({ ...platform, ...IDENTITY });
    const { template } = spec<{ template: PodTemplateSpec }>(find(manifests, 'Deployment', 'web'));
    expect(template.metadata?.labels).toEqual(IDENTITY);
    expect(find(manifests, 'ResourceQuota', 'quota').metadata.labels).toEqual(platform);
  });

  test('keeps labels and annotations of its own, which come before the platform’s', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces }) => {
        const labels = { tier: 'x', 'app.kubernetes.io/part-of': 'other' };
        const annotations = { note: 'y', 'argocd.argoproj.io/sync-wave': '-5' };
        new ConfigMap(namespaces.add('a'), 'map', { metadata: { labels, annotations }, data: {} });
      }),
    );
    expect(find(manifests, 'ConfigMap', 'map').metadata).toMatchObject({
      labels: { tier: 'x', 'app.kubernetes.io/part-of': 'other', 'app.kubernetes.io/managed-by': 'cdk8s' },
      annotations: { note: 'y', 'argocd.argoproj.io/sync-wave': '-5' },
    });
  });

  test('is in the namespace it was built in, or in the one it names, or in none where there is none for its kind', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces }) => {
        const a = namespaces.add('a');
        new ConfigMap(a, 'here', { data: {} });
        new ConfigMap(a, 'there', { metadata: { namespace: 'b' }, data: {} });
        new ConfigMap(namespaces.existing('KubeSystem'), 'theirs', { data: {} });
        new ClusterRole(a, 'everywhere', { rules: [] });
      }),
    );
    expect(find(manifests, 'ConfigMap', 'here').metadata.namespace).toBe('a');
    expect(find(manifests, 'ConfigMap', 'there').metadata.namespace).toBe('b');
    expect(find(manifests, 'ConfigMap', 'theirs').metadata.namespace).toBe('kube-system');
    expect(find(manifests, 'ClusterRole', 'everywhere').metadata).not.toHaveProperty('namespace');
    expect(find(manifests, 'Namespace', 'a').metadata).not.toHaveProperty('namespace');
  });

  test('comes after what it connects to, together with what belongs to the same pods', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces }) => {
        const a = namespaces.add('a');
        const [front, back] = [new Server(a, 'front'), new Server(a, 'back')];
        front.connections.allowTo(back.http);
      }),
    );
    expect(wave(manifests, 'Namespace', 'a')).toBe(0);
    expect(wave(manifests, 'Deployment', 'back')).toBe(1);
    expect(wave(manifests, 'Deployment', 'front')).toBe(2);
    for (const kind of ['Service', 'NetworkPolicy']) expect(wave(manifests, kind, 'front')).toBe(2);
  });

  test('pods that need each other share a wave', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces }) => {
        const a = namespaces.add('a');
        const [one, other] = [new Server(a, 'one'), new Server(a, 'other')];
        one.connections.allowTo(other.http);
        other.connections.allowTo(one.http);
      }),
    );
    expect(wave(manifests, 'Deployment', 'one')).toBe(wave(manifests, 'Deployment', 'other'));
  });

  test('is only pruned or deleted after a person agreed, where it holds data', () => {
    const manifests = manifestsOf(
      platformWith(({ namespaces }) => {
        new Server(namespaces.add('a'), 'web');
        new PersistentVolumeClaim(namespaces.existing('b'), 'disk', { spec: {} });
      }),
    );
    const options = (kind: string, name: string) =>
      find(manifests, kind, name).metadata.annotations?.['argocd.argoproj.io/sync-options'];
    expect(options('Namespace', 'a')).toBe('Prune=confirm,Delete=confirm');
    expect(options('PersistentVolumeClaim', 'disk')).toBe('Prune=confirm,Delete=confirm');
    expect(options('Deployment', 'web')).toBeUndefined();
  });

  test('must be in a phase', () => {
    const { environment, cluster } = platformWith(() => {});
    const app = new App();
    new ConfigMap(new Chart(app, 'other'), 'map', { data: {} });
    expect(() => readPlatform(app, environment, cluster)).toThrow(
      'other/map: must be built inside a PhaseChart',
    );
  });
});

/** Pods of cdk8s-plus that join the platform's network: its labels on theirs is all it takes. */
class Greeter extends Construct {
  readonly connections = new Connections(this, { name: 'httpd', component: 'greeter' });
  readonly http = this.connections.listen('http', 8080);

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const page = new kplus.ConfigMap(this, 'Page', { data: { 'index.html': '<p>Hello</p>' } });
    const deployment = new kplus.Deployment(this, 'Resource', { replicas: 2 });
    const container = deployment.addContainer({
      image: 'docker.io/library/httpd:2.4.65',
      ports: [{ name: this.http.name, number: this.http.port }],
      resources: {
        cpu: { request: kplus.Cpu.millis(50) },
        memory: { request: Size.mebibytes(64), limit: Size.mebibytes(64) },
      },
    });
    container.mount('/page', kplus.Volume.fromConfigMap(this, 'PageVolume', page));
    for (const [key, value] of Object.entries(this.connections.podLabels))
      deployment.podMetadata.addLabel(key, value);
  }
}

describe('the library of the ecosystem, cdk8s-plus', () => {
  const platform = platformWith(({ namespaces }) => {
    const tools = namespaces.add('tools');
    new kplus.ServiceAccount(tools, 'Robot');
    const greeter = new Greeter(tools, 'Greeter');
    new Server(tools, 'web').connections.allowTo(greeter.http);
  });
  const manifests = manifestsOf(platform).filter(({ metadata }) => metadata.namespace === 'tools');

  test('builds inside a namespace: names are short and stable, namespace and labels are there', () => {
    for (const [kind, name] of [
      ['ServiceAccount', 'robot'],
      ['ConfigMap', 'greeter-page'],
      ['Deployment', 'greeter'],
    ] as const) {
      const { labels } = find(manifests, kind, name).metadata;
      expect(labels).toMatchObject({ 'app.kubernetes.io/part-of': 'lighthouse' });
      expect([...printPlatform(platform).keys()]).toContain(
        `staging/test/foundation/${kind}.tools.${name}.yaml`,
      );
    }
  });

  test('is counted in the quota of the namespace', () => {
    const { hard } = spec<{ hard: Record<string, string> }>(find(manifests, 'ResourceQuota', 'quota'));
    // Two and one of the server, and one more of each while an update rolls.
    expect(hard['pods']).toBe('5');
    expect(hard['requests.cpu']).toBe('150m');
  });

  test('takes part in connections: Service, policies and waves', () => {
    const { template } = spec<{ template: PodTemplateSpec }>(find(manifests, 'Deployment', 'greeter'));
    const { selector } = spec<{ selector: Record<string, string> }>(find(manifests, 'Service', 'greeter'));
    const { podSelector, ingress } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'greeter'));
    expect(template.metadata?.labels).toMatchObject(selector);
    expect(template.metadata?.labels).toMatchObject(podSelector?.matchLabels ?? { none: '' });
    expect(ingress).toHaveLength(1);
    expect(wave(manifests, 'Deployment', 'web')).toBe(wave(manifests, 'Deployment', 'greeter') + 1);
  });
});
