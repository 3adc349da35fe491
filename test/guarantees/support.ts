import { identityOf } from '../../synth/references';
import { Construct } from 'constructs';
import { Credentials } from '../../constructs/credentials';
import { OPERATOR_NAMES } from '../../constructs/platform-operators/operators';
import { ConfigFiles } from '../../constructs/platform/config-files';
import { Connections } from '../../constructs/platform/connections';
import type { Manifest } from '../../constructs/platform/manifest';
import { objectName } from '../../constructs/platform/names';
import { spread } from '../../constructs/platform/pod';
import type { Finding, Guarantee } from '../../guarantees/guarantee';
import { Deployment, EnvVar, PodDisruptionBudget, StatefulSet, Volume } from '../../imports/k8s';
import { PodMonitor, Probe } from '../../imports/monitoring.coreos.com';
import type { Platform, PlatformObject } from '../../synth/platform';
import { Ground, platformWith } from '../support';

const IMAGE = 'registry.example.com/team/app:1.2.3';

/** Who scrapes, as policies see it; its pods are not part of the platform here. */
const PROMETHEUS = { namespace: 'observability', labels: { 'app.kubernetes.io/name': 'prometheus' } };

/** Two members of something, each with a name. */
class Server extends Construct {
  readonly connections = new Connections(this, { name: 'server', component: 'member', service: 'headless' });
  readonly endpoint = this.connections.listen('data', 6379);
  readonly metrics = this.connections.listen('metrics', 9121, { metricsPath: '/metrics' });

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { labels, podLabels, serviceName } = this.connections;
    new StatefulSet(this, 'Resource', {
      spec: {
        serviceName,
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: podLabels },
          spec: {
            topologySpreadConstraints: spread(this.connections, 'preferred'),
            containers: [
              {
                name: 'server',
                image: IMAGE,
                ports: this.connections.containerPorts(this.endpoint, this.metrics),
                readinessProbe: { tcpSocket: { port: 'data' } },
              },
            ],
          },
        },
      },
    });
    this.connections.allowFrom(PROMETHEUS, this.metrics);
    new PodMonitor(this, 'Monitor', {
      metadata: { name: objectName(this) },
      spec: {
        selector: { matchLabels: labels },
        podMetricsEndpoints: [{ port: this.metrics.name, path: '/metrics' }],
      },
    });
    new Probe(this, 'Probe', {
      metadata: { name: objectName(this) },
      spec: { targets: { staticConfig: { static: [this.endpoint.address] } } },
    });
    new PodDisruptionBudget(this, 'Disruption', {
      metadata: { name: objectName(this) },
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    });
  }
}

/** Something that uses them. */
class Client extends Construct {
  readonly connections = new Connections(this, { name: 'client', component: 'worker' });

  constructor(scope: Construct, id: string, server: Server, env: EnvVar[], volumes: Volume[]) {
    super(scope, id);
    const { connections } = this;
    connections.allowTo(server.endpoint);
    new Deployment(this, 'Resource', {
      spec: {
        selector: { matchLabels: connections.labels },
        template: {
          metadata: { labels: connections.podLabels },
          spec: { containers: [{ name: 'client', image: IMAGE, env, args: ['run'] }], volumes },
        },
      },
    });
  }
}

/**
 * A small platform that keeps every promise about what its objects name: StatefulSet `app/server`, Deployment
 * `app/client` with ConfigMap `client-config-…`, Job `app/users-…`, built by `ground` and whatever else is given.
 */
export function soundPlatform(more: (ground: Ground) => void = () => undefined): Platform {
  return platformWith(
    (ground) => {
      const app = ground.namespaces.add('app');
      const server = new Server(app, 'server');
      const users = new Credentials(app, 'users', { maker: ground.maker, users: ['bridge'] });
      const address = server.endpoint.address;
      const files = { 'client.conf': `# as in x.y.svc.cluster.local\nserver ${address}\n` };
      const config = new ConfigFiles(app, 'client-config', __dirname, {}, files);
      const env = [
        users.of('bridge').env('DATA_PASSWORD'),
        { name: 'DATA_URL', value: server.endpoint.url('redis') },
      ];
      new Client(app, 'client', server, env, [config.volume('config')]);
      more(ground);
    },
    { installed: [...OPERATOR_NAMES] },
  );
}

/** What a guarantee has against a platform. */
export function findingsOf({ check }: Guarantee, platform: Platform): readonly Finding[] {
  return check(platform).findings;
}

/** What a guarantee has against a platform, causes alone. */
export function causesOf(guarantee: Guarantee, platform: Platform): string[] {
  return findingsOf(guarantee, platform).map(({ cause }) => cause);
}

/**
 * The same platform with one field of one object changed, or taken away.
 * @param prefix of the object's identity, as in `Deployment/app/client`
 * @param field as in `spec.template.spec.containers[0].image`
 */
export function changed(platform: Platform, prefix: string, field: string, value?: unknown): Platform {
  const own = theOne(platform, prefix);
  return {
    ...platform,
    objects: platform.objects.map((object) =>
      object === own ? { ...object, manifest: withField(object.manifest, field, value) } : object,
    ),
  };
}

/** The file that Vault is configured by. */
export const DESIRED = 'ConfigMap/vault/vault-configuration-desired-';

/** The platform with that file changed; the change must be one. */
export function told(platform: Platform, change: (text: string) => string): Platform {
  const { data } = theOne(platform, DESIRED).manifest as { readonly data?: Record<string, string> };
  const text = data?.['desired.json'] ?? '';
  const next = change(text);
  expect(next).not.toBe(text);
  return changed(platform, DESIRED, 'data.desired\\.json', next);
}

/** The same platform without one object. */
export function without(platform: Platform, prefix: string): Platform {
  const own = theOne(platform, prefix);
  return { ...platform, objects: platform.objects.filter((object) => object !== own) };
}

/** The object of this identity, else the only one whose identity begins so: some end in a hash. */
function theOne({ objects }: Platform, prefix: string): PlatformObject {
  const exact = objects.filter((object) => identityOf(object.manifest) === prefix);
  const own =
    exact.length > 0 ? exact : objects.filter((object) => identityOf(object.manifest).startsWith(prefix));
  const [one] = own;
  if (!one || own.length > 1) throw new Error(`${own.length} objects begin with ${prefix}`);
  return one;
}

/** The same platform with one object more, beside another and of its construct. */
export function added(platform: Platform, prefix: string, manifest: Manifest): Platform {
  const beside = platform.objects.find((object) => identityOf(object.manifest).startsWith(prefix));
  if (!beside) throw new Error(`no object begins with ${prefix}`);
  return { ...platform, objects: [...platform.objects, { ...beside, path: 'added', manifest }] };
}

type Fields = Record<string, unknown>;

function withField(manifest: Manifest, field: string, value: unknown): Manifest {
  const copy: Fields = { ...structuredClone(manifest) };
  // A dot inside a key is written as \.
  const keys = field.match(/(?:\\.|[^.[\]])+/g)?.map((key) => key.replaceAll('\\.', '.')) ?? [];
  const parent = keys.slice(0, -1).reduce((at, key) => (at[key] ??= {}) as Fields, copy);
  const last = keys.at(-1) ?? '';
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else parent[last] = value;
  return copy as unknown as Manifest;
}
