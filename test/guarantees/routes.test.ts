import { Construct } from 'constructs';
import { BridgeEdge } from '../../constructs/bridge-edge';
import { Connections } from '../../constructs/platform/connections';
import { references } from '../../guarantees/references';
import { routes } from '../../guarantees/routes';
import { platformWith } from '../support';
import { causesOf, changed } from './support';

const EDGE = {
  replicas: 2,
  connections: 1000,
  entry: {
    kind: 'gateway',
    name: 'public',
    namespace: 'gateways',
    pods: { namespace: 'gateways', labels: { gateway: 'public' } },
  },
} as const;

const SOUND = platformWith(
  ({ namespaces, authority }) => {
    const namespace = namespaces.add('bridge');
    const server = new Connections(new Construct(namespace, 'server'), {
      name: 'bridge',
      component: 'server',
    });
    new BridgeEdge(namespace, 'edge', {
      image: 'docker.io/library/haproxy:3.3.10-alpine',
      backend: server.listen('api', 8765),
      authority,
      domain: 'bridge.example.com',
      entry: EDGE.entry,
    });
  },
  {},
  { edge: EDGE },
);

test('a route to a port of the Service, by a name of the certificate, is no finding', () => {
  expect(causesOf(routes, SOUND)).toEqual([]);
  expect(routes.check(SOUND).facts).toEqual([{ subject: 'routes from gateways', figure: '1' }]);
});

test('a name that the certificate does not have is found', () => {
  const route = changed(SOUND, 'TLSRoute/bridge/edge', 'spec.hostnames', [
    'bridge.example.com',
    'example.org',
  ]);
  expect(causesOf(routes, route)).toEqual([
    'TLSRoute bridge/edge leads whoever asks for example.org to Deployment edge, whose certificate has no such name',
  ]);
  const certificate = changed(SOUND, 'Certificate/bridge/edge-tls', 'spec.dnsNames', ['edge']);
  expect(causesOf(routes, certificate)).toEqual([
    'TLSRoute bridge/edge leads whoever asks for bridge.example.com to Deployment edge, whose certificate has no such name',
  ]);
});

test('a port that the Service does not have is found', () => {
  const route = changed(SOUND, 'TLSRoute/bridge/edge', 'spec.rules[0].backendRefs[0].port', 444);
  expect(causesOf(routes, route)).toEqual([
    'TLSRoute bridge/edge leads to port 444 of Service edge, which has 443, 8404, 8443',
  ]);
});

describe('what it names is there', () => {
  const aboutRoute = (platform: typeof SOUND) =>
    causesOf(references, platform).filter((cause) => cause.startsWith('TLSRoute'));

  test('the Gateway and its kinds are taken as given where the configuration names it', () => {
    expect(aboutRoute(SOUND)).toEqual([]);
    const environment = { ...SOUND.environment, edge: { ...EDGE, entry: undefined } };
    expect(aboutRoute({ ...SOUND, environment })).toEqual([
      'TLSRoute edge: spec.parentRefs[0] names Gateway/gateways/public, which nothing makes',
      'TLSRoute edge is of API group gateway.networking.k8s.io, which no operator of the platform serves',
    ]);
  });

  test('a Service that nobody makes is found', () => {
    const route = changed(SOUND, 'TLSRoute/bridge/edge', 'spec.rules[0].backendRefs[0].name', 'edges');
    expect(aboutRoute(route)).toEqual([
      'TLSRoute edge: spec.rules[0].backendRefs[0] names Service/bridge/edges, which nothing makes',
    ]);
    expect(causesOf(routes, route)).toEqual([]);
  });
});
