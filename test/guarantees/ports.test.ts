import { ports } from '../../guarantees/ports';
import { added, causesOf, changed, findingsOf, soundPlatform } from './support';

const SERVER = 'StatefulSet/app/server';
const PORTS = 'spec.template.spec.containers[0].ports';

test('ports that containers listen on are no finding', () => {
  expect(findingsOf(ports, soundPlatform())).toEqual([]);
});

test('an endpoint, a Service, a monitor and a probe without their port are found', () => {
  expect(findingsOf(ports, changed(soundPlatform(), SERVER, PORTS, []))).toEqual([
    {
      path: 'foundation/Namespaces/app/server/Resource',
      cause: 'endpoint data (6379): no container of StatefulSet app/server listens on it, only no ports',
      remedy: 'give the container that listens connections.containerPorts(endpoint)',
    },
    {
      path: 'foundation/Namespaces/app/server/Resource',
      cause: 'endpoint metrics (9121): no container of StatefulSet app/server listens on it, only no ports',
      remedy: 'give the container that listens connections.containerPorts(endpoint)',
    },
    {
      path: 'foundation/Namespaces/app/server/Service',
      cause: 'Service app/server: port 6379 leads to data, but StatefulSet app/server has no ports',
      remedy: 'give the container that listens connections.containerPorts(endpoint)',
    },
    {
      path: 'foundation/Namespaces/app/server/Service',
      cause: 'Service app/server: port 9121 leads to metrics, but StatefulSet app/server has no ports',
      remedy: 'give the container that listens connections.containerPorts(endpoint)',
    },
    {
      path: 'foundation/Namespaces/app/server/Monitor',
      cause: 'PodMonitor server: StatefulSet app/server has no port metrics, only no ports',
      remedy: 'give the container that listens connections.containerPorts(endpoint)',
    },
    {
      path: 'foundation/Namespaces/app/server/Resource',
      cause: 'StatefulSet app/server: container server is probed on port "data", and has no ports',
      remedy: 'give the container the port, or probe one that it has',
    },
  ]);
});

test('a port of the right name and another number is found: policies open the number', () => {
  expect(causesOf(ports, changed(soundPlatform(), SERVER, `${PORTS}[0].containerPort`, 6380))).toEqual([
    'endpoint data (6379): no container of StatefulSet app/server listens on it, only data (6380), metrics (9121)',
    'Service app/server: port data leads to 6380, but the policies open 6379',
  ]);
});

test('a port of another protocol is none', () => {
  expect(causesOf(ports, changed(soundPlatform(), SERVER, `${PORTS}[0].protocol`, 'UDP'))).toEqual([
    'endpoint data (6379): no container of StatefulSet app/server listens on it, only data (6379), metrics (9121)',
  ]);
});

test('a Service port by number must be listened on', () => {
  const platform = changed(soundPlatform(), 'Service/app/server', 'spec.ports[0].targetPort', 80);
  expect(causesOf(ports, platform)).toEqual([
    'Service app/server: port 6379 leads to 80, but StatefulSet app/server has data (6379), metrics (9121)',
  ]);
});

test('two containers on one port are found', () => {
  const platform = changed(soundPlatform(), SERVER, 'spec.template.spec.containers[1]', {
    name: 'twin',
    ports: [{ containerPort: 6379 }],
  });
  expect(causesOf(ports, platform)).toEqual([
    'StatefulSet app/server: two containers of one pod listen on TCP 6379',
  ]);
});

test("ports that CloudNativePG's pods have are known", () => {
  const metadata = { name: 'db', namespace: 'app' };
  const cluster = { apiVersion: 'postgresql.cnpg.io/v1', kind: 'Cluster', metadata, spec: { instances: 1 } };
  const monitor = (port: string) => ({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata,
    spec: { selector: { matchLabels: { 'cnpg.io/cluster': 'db' } }, podMetricsEndpoints: [{ port }] },
  });
  const platform = added(soundPlatform(), 'ConfigMap/app/client', cluster);
  expect(findingsOf(ports, added(platform, 'ConfigMap/app/client', monitor('metrics')))).toEqual([]);
  expect(causesOf(ports, added(platform, 'ConfigMap/app/client', monitor('exporter')))).toEqual([
    'PodMonitor db: Cluster app/db has no port exporter, only postgresql (5432), metrics (9187), status (8000)',
  ]);
});
