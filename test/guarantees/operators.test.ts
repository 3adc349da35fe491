import { Construct } from 'constructs';
import { Connections } from '../../constructs/platform/connections';
import { operators } from '../../guarantees/operators';
import { ScaledObject } from '../../imports/keda.sh';
import { platformWith } from '../support';
import { causesOf } from './support';

const KEDA = { namespace: 'keda', labels: { app: 'keda-operator' } };

/** A server at port 9090, whom KEDA is told to ask. */
const causes = (letIn: readonly (typeof KEDA)[], port = 9090) =>
  causesOf(
    operators,
    platformWith(({ namespaces }) => {
      const server = new Construct(namespaces.add('app'), 'server');
      const connections = new Connections(server, { name: 'server', component: 'server' });
      const endpoint = connections.listen('web', 9090);
      for (const peer of letIn) connections.allowFrom(peer, endpoint);
      new ScaledObject(server, 'Scaler', {
        spec: {
          scaleTargetRef: { name: 'server' },
          triggers: [{ type: 'prometheus', metadata: { serverAddress: `https://${endpoint.host}:${port}` } }],
        },
      });
    }),
  );

test('an operator may ask whoever lets it in', () => {
  expect(causes([KEDA])).toEqual([]);
});

test('an operator that nobody lets in is found, whoever else is', () => {
  const cause =
    'ScaledObject server-scaler: spec.triggers[0].metadata.serverAddress names ' +
    'server.app.svc.cluster.local:9090, which lets nobody of namespace keda in';
  expect(causes([])).toEqual([cause]);
  expect(causes([{ ...KEDA, namespace: 'elsewhere' }])).toEqual([cause]);
});

test('an address at which nobody listens is found', () => {
  expect(causes([KEDA], 9091)).toEqual([
    'ScaledObject server-scaler: spec.triggers[0].metadata.serverAddress names ' +
      'server.app.svc.cluster.local:9091, which belongs to no declared endpoint',
  ]);
});
