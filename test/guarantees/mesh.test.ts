import { Construct } from 'constructs';
import { MESH_NAMESPACE } from '../../constructs/platform/mesh';
import { Connections } from '../../constructs/platform/connections';
import { ServiceMesh } from '../../constructs/service-mesh';
import { mesh } from '../../guarantees/mesh';
import { Deployment } from '../../imports/k8s';
import type { Platform } from '../../synth/platform';
import { identityOf } from '../../synth/references';
import { type Ground, platformWith } from '../support';
import { added, causesOf, changed, without } from './support';

const MESH = { mesh: { mode: 'ambient' } } as const;

/** Pods with a probe, of a service account of their own. */
class Pods extends Construct {
  readonly connections = new Connections(this, { name: 'thing', component: 'part' });
  readonly data = this.connections.listen('data', 6379);
  readonly gossip = this.connections.listen('gossip', 7000, { protocol: 'UDP' });

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { labels, podLabels } = this.connections;
    const readinessProbe = { tcpSocket: { port: 'data' } };
    const containers = [{ name: 'main', image: 'registry.example.com/app:1.2.3', readinessProbe }];
    new Deployment(this, 'Resource', {
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels: podLabels }, spec: { serviceAccountName: id, containers } },
      },
    });
  }
}

const OPERATOR = { namespace: 'keda', labels: { app: 'keda-operator' }, account: 'keda-operator' };

/** A client, a server that an operator and somebody outside connect to too, and what holds for the whole mesh. */
function meshed(more: (ground: Ground, server: Pods) => void = () => undefined): Platform {
  const platform = platformWith(
    (ground) => {
      const server = new Pods(ground.namespaces.add('data'), 'server');
      const client = new Pods(ground.namespaces.add('apps'), 'client');
      client.connections.allowTo(server.data, server.gossip);
      server.connections.allowFrom(OPERATOR, server.data);
      client.connections.allowFromOutside(client.data, ['203.0.113.0/24']);
      const guests = [ground.namespaces.existing('keda')];
      new ServiceMesh(ground.namespaces.existing(MESH_NAMESPACE), 'mesh', { guests });
      more(ground, server);
    },
    {},
    MESH,
  );
  return added(platform, 'Namespace/apps', joining('keda'));
}

const STRANGER = { namespace: 'elsewhere', labels: { app: 'stranger' } };

/** The same, with pods that let in some that no mesh takes in. */
function withStranger(): Platform {
  return meshed(({ namespaces }) => {
    const { connections, data } = new Pods(namespaces.add('edges'), 'edge');
    connections.allowFromStranger(STRANGER, data);
  });
}

/** Argo CD's Application of an operator whose namespace joins the mesh. */
const joining = (namespace: string) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: namespace, namespace: 'argocd' },
  spec: {
    destination: { namespace },
    syncPolicy: { managedNamespaceMetadata: { labels: { 'istio.io/dataplane-mode': 'ambient' } } },
  },
});

const CLIENT =
  'pods app.kubernetes.io/instance=client,app.kubernetes.io/name=thing in apps to port 6379 of foundation/Namespaces/data/server';

test('declared connections, each let in once, are no finding', () => {
  expect(causesOf(mesh, meshed())).toEqual([]);
  expect(mesh.check(meshed()).facts).toEqual([
    { subject: 'sets of pods in the mesh', figure: '2' },
    { subject: 'connections let in by identity', figure: '2, 1 more of UDP by NetworkPolicies alone' },
    { subject: 'ports that take what comes from outside the cluster', figure: '1' },
    { subject: 'namespaces of operators in the mesh', figure: 'keda' },
  ]);
});

test('without a mesh nothing may speak of one', () => {
  const platform = meshed();
  const { environment } = platform;
  const none = { ...platform, environment: { ...environment, mesh: undefined } };
  expect(causesOf(mesh, none)).toContain(
    'PeerAuthentication default speaks of a mesh, and this environment has none',
  );
  expect(
    causesOf(
      mesh,
      platformWith(() => undefined),
    ),
  ).toEqual([]);
});

const SERVER_POLICY = 'AuthorizationPolicy/data/server';
const port = 'spec.rules[0].to[0].operation.ports';
const who = 'spec.rules[0].from[0].source';

/** What is changed, and what is then found. */
const VIOLATIONS: Readonly<Record<string, readonly [(sound: Platform) => Platform, readonly unknown[]]>> = {
  'a connection that no rule lets in': [
    (sound) => changed(sound, SERVER_POLICY, port, ['6380']),
    [
      `0 rules of the mesh let in ${CLIENT}; it must be exactly one`,
      expect.stringContaining('0 rules of the mesh let in pods app=keda-operator in keda'),
      expect.stringContaining(
        'lets in cluster.local/ns/apps/sa/client at port 6380, which no connection declares',
      ),
      expect.stringContaining('lets in cluster.local/ns/keda/sa/keda-operator at port 6380'),
    ],
  ],
  'a connection that two rules let in': [
    (sound) =>
      changed(sound, SERVER_POLICY, 'spec.rules[1]', {
        from: [{ source: { principals: ['cluster.local/ns/apps/sa/client'] } }],
        to: [{ operation: { ports: ['6379'] } }],
      }),
    [`2 rules of the mesh let in ${CLIENT}; it must be exactly one`],
  ],
  'a rule that lets in everybody with an identity': [
    (sound) => changed(sound, SERVER_POLICY, 'spec.rules[1]', { to: [{ operation: { ports: ['6379'] } }] }),
    ['policy server of the mesh has a rule that does not say by whom and at which port, and nothing else'],
  ],
  'a rule for HTTP, which agents leave out': [
    (sound) => changed(sound, SERVER_POLICY, 'spec.rules[0].to[0].operation.paths', ['/read']),
    [
      `0 rules of the mesh let in ${CLIENT}; it must be exactly one`,
      expect.stringContaining('0 rules of the mesh let in pods app=keda-operator'),
      'policy server of the mesh has a rule that does not say by whom and at which port, and nothing else',
    ],
  ],
  'a rule with a wildcard': [
    (sound) => changed(sound, SERVER_POLICY, `${who}.principals[0]`, 'cluster.local/ns/apps/*'),
    [
      `0 rules of the mesh let in ${CLIENT}; it must be exactly one`,
      expect.stringContaining('0 rules of the mesh let in pods app=keda-operator'),
      expect.stringContaining('does not say by whom'),
    ],
  ],
  'a policy that denies': [
    (sound) => changed(sound, SERVER_POLICY, 'spec.action', 'DENY'),
    ['policy server of the mesh does not allow but says DENY: declared connections may be refused'],
  ],
  'pods of another service account': [
    (sound) => changed(sound, 'Deployment/apps/client', 'spec.template.spec.serviceAccountName', 'default'),
    [
      'pods of Deployment apps/client run as service account default, by which nobody lets them in: policies know client',
    ],
  ],
  "pods in their node's network": [
    (sound) => changed(sound, 'Deployment/apps/client', 'spec.template.spec.hostNetwork', true),
    ["the mesh does not take in the pods of Deployment apps/client, for its node's network"],
  ],
  'pods that are told to stay out': [
    (sound) =>
      changed(
        sound,
        'Deployment/apps/client',
        'spec.template.metadata.labels.istio\\.io/dataplane-mode',
        'none',
      ),
    ['the mesh does not take in the pods of Deployment apps/client, for label istio.io/dataplane-mode'],
  ],
  'a namespace that stays out': [
    (sound) => changed(sound, 'Namespace/apps', 'metadata.labels.istio\\.io/dataplane-mode'),
    ['the mesh does not take in the pods of namespace apps'],
  ],
  'a namespace where nothing denies by default': [
    (sound) => without(sound, 'AuthorizationPolicy/data/default-deny'),
    ['no AuthorizationPolicy denies by default in namespace data'],
  ],
  'a mesh that asks for no identity': [
    (sound) => changed(sound, 'PeerAuthentication/istio-system/default', 'spec.mtls.mode', 'PERMISSIVE'),
    [
      'nothing demands an identity in the whole mesh: no PeerAuthentication in istio-system is STRICT for all',
      'PeerAuthentication default takes what shows no identity where nothing from outside was declared',
    ],
  ],
  'a port that asks for none although nobody comes from outside': [
    (sound) =>
      changed(sound, 'PeerAuthentication/apps/client', 'spec.portLevelMtls.7777', { mode: 'PERMISSIVE' }),
    ['PeerAuthentication client takes what shows no identity where nothing from outside was declared'],
  ],
  'clients from outside without an exemption': [
    (sound) => without(sound, 'PeerAuthentication/apps/client'),
    ['the mesh refuses what comes from outside of it to port 6379: no PeerAuthentication exempts the port'],
  ],
  'clients from outside that no rule lets in': [
    (sound) => changed(sound, 'AuthorizationPolicy/apps/client', `${who}.ipBlocks`, ['198.51.100.0/24']),
    [
      'the mesh refuses what comes from outside of it to port 6379: not exactly one rule lets in 203.0.113.0/24',
      'policy client of the mesh lets in 198.51.100.0/24 at port 6379, which no connection declares',
    ],
  ],
  'pods outside the mesh without an exemption': [
    () => without(withStranger(), 'PeerAuthentication/edges/edge'),
    ['the mesh refuses what comes from outside of it to port 6379: no PeerAuthentication exempts the port'],
  ],
  'pods outside the mesh that no rule lets in': [
    () => changed(withStranger(), 'AuthorizationPolicy/edges/edge', `${who}.notPrincipals`, ['other']),
    [
      'the mesh refuses what comes from outside of it to port 6379: not exactly one rule lets in whoever shows no identity',
      'policy edge of the mesh has a rule that does not say by whom and at which port, and nothing else',
    ],
  ],
  'a rule for whoever shows no identity where nobody was declared': [
    (sound) =>
      changed(sound, SERVER_POLICY, 'spec.rules[1]', {
        from: [{ source: { notPrincipals: ['*'] } }],
        to: [{ operation: { ports: ['6379'] } }],
      }),
    [
      'policy server of the mesh lets in whoever shows no identity at port 6379, which no connection declares',
    ],
  ],
  "an operator's namespace that stays out": [
    (sound) => without(sound, 'Application/argocd/keda'),
    [
      'the mesh refuses pods app=keda-operator in keda to port 6379 of foundation/Namespaces/data/server: it does not take in namespace keda',
      'PeerAuthentication default takes what shows no identity where nothing from outside was declared',
    ],
  ],
  'a policy that does not let the tunnel out': [
    (sound) => changed(sound, 'NetworkPolicy/apps/client', 'spec.egress', []),
    [`no NetworkPolicy of Deployment apps/client lets through port 15008, by which the mesh takes ${CLIENT}`],
  ],
  'a policy that lets neither the tunnel nor the kubelet in': [
    (sound) => changed(sound, 'NetworkPolicy/data/server', 'spec.ingress', []),
    [
      `no NetworkPolicy of Deployment data/server lets through port 15008, by which the mesh takes ${CLIENT}`,
      expect.stringContaining(
        'lets through port 15008, by which the mesh takes pods app=keda-operator in keda',
      ),
      "no NetworkPolicy lets the kubelet's probes in to the pods of Deployment data/server from 169.254.7.127/32",
    ],
  ],
  'a webhook in the mesh': [
    (sound) =>
      added(sound, 'Namespace/apps', {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'judge' },
        webhooks: [{ clientConfig: { service: { name: 'server', namespace: 'data', path: '/' } } }],
      }),
    [
      'ValidatingWebhookConfiguration judge has the API server call a Service in namespace data, where the mesh refuses it: it shows no identity',
    ],
  ],
};

test.each(Object.entries(VIOLATIONS))('%s is found', (_, [violate, causes]) => {
  expect(causesOf(mesh, violate(meshed()))).toEqual(causes);
});

test('pods outside the mesh are let in where that was declared', () => {
  expect(causesOf(mesh, withStranger())).toEqual([]);
});

test('a client that shows no identity is found', () => {
  const platform = meshed((_, server) => server.connections.allowFrom(STRANGER, server.data));
  expect(causesOf(mesh, platform)).toEqual([
    'the mesh refuses pods app=stranger in elsewhere to port 6379 of foundation/Namespaces/data/server: whoever connects is not in it, and shows no identity',
  ]);
});

test('an issuer for the mesh that nobody makes is found', () => {
  const platform = meshed();
  const values = { app: { certmanager: { issuer: { kind: 'ClusterIssuer', name: 'gone' } } } };
  const csr = {
    ...joining('istio-csr'),
    spec: { source: { chart: 'cert-manager-istio-csr', helm: { valuesObject: values } } },
  };
  expect(platform.objects.map(({ manifest }) => identityOf(manifest))).toContain('ClusterIssuer/lighthouse');
  expect(causesOf(mesh, added(platform, 'Namespace/apps', csr))).toEqual([
    'ClusterIssuer gone, which signs for the mesh, is made by nobody',
  ]);
});
