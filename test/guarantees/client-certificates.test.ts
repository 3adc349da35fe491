import { expect, test } from '@jest/globals';
import { Construct } from 'constructs';
import { Connections } from '../../constructs/platform/connections';
import type { ClientAuthority, Endpoint } from '../../constructs/platform/endpoint';
import type { TlsSecret } from '../../constructs/certificate-authority';
import { clientCertificates } from '../../guarantees/client-certificates';
import { Deployment } from '../../imports/k8s';
import { type Ground, platformWith } from '../support';
import { causesOf, changed, findingsOf } from './support';

/** A set of pods that may mount a certificate. */
class Program extends Construct {
  readonly connections = new Connections(this, { name: 'program', component: 'server' });

  deploy(tls?: TlsSecret): this {
    new Deployment(this, 'Resource', {
      spec: {
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            containers: [
              {
                name: 'main',
                image: 'registry.example.com/app:1.2.3',
                volumeMounts: tls ? [{ name: 'tls', mountPath: '/tls' }] : [],
              },
            ],
            volumes: tls ? [tls.volume('tls')] : [],
          },
        },
      },
    });
    return this;
  }
}

interface Case {
  readonly asks?: ClientAuthority;
  readonly connect?: (client: Connections, endpoint: Endpoint) => void;
  readonly certificate?: (client: Program, ground: Ground) => TlsSecret | undefined;
}

function platform({ asks, connect = (client, endpoint) => client.allowTo(endpoint), certificate }: Case) {
  return platformWith((ground) => {
    const app = ground.namespaces.add('app');
    const server = new Program(app, 'server').deploy();
    const endpoint = server.connections.listen('data', 6379, { clientAuthority: asks });
    const client = new Program(app, 'client');
    connect(client.connections, endpoint);
    client.deploy(certificate?.(client, ground));
  });
}

const issued: Case['certificate'] = ({ connections }, { authority }) => authority.issue(connections);
const named: Case['certificate'] = (client, { authority }) => authority.client(client, 'Client', 'someone');

const NONE =
  'Deployment/app/client connects to server.app.svc.cluster.local:6379, which asks for a client certificate of the platform, and has none to show';

test('a client without a certificate is found where the port asks for one, and nowhere else', () => {
  expect(causesOf(clientCertificates, platform({ asks: 'platform' }))).toEqual([NONE]);
  expect(causesOf(clientCertificates, platform({}))).toEqual([]);
});

test.each([
  ['of its own', issued],
  ['of a user', named],
])('a certificate %s is what is asked for', (_, certificate) => {
  expect(causesOf(clientCertificates, platform({ asks: 'platform', certificate }))).toEqual([]);
});

test('who only looks whether the port is open needs none', () => {
  const connect: Case['connect'] = (client, endpoint) => client.watch(endpoint);
  expect(causesOf(clientCertificates, platform({ asks: 'platform', connect }))).toEqual([]);
});

test.each([
  ['a certificate for servers only', 'Certificate/app/client-tls', 'spec.usages', ['server auth']],
  ['a certificate of another issuer', 'Certificate/app/client-tls', 'spec.issuerRef.name', 'other'],
  [
    'a volume that no container mounts',
    'Deployment/app/client',
    'spec.template.spec.containers[0].volumeMounts',
    [],
  ],
])('%s is none', (_, object, field, value) => {
  const sound = platform({ asks: 'platform', certificate: issued });
  expect(causesOf(clientCertificates, changed(sound, object, field, value))).toEqual([NONE]);
});

test('a certificate of the platform is none where a service has an authority of its own', () => {
  const [finding] = findingsOf(clientCertificates, platform({ asks: 'own', certificate: issued }));
  expect(finding?.cause).toContain('asks for a client certificate of its own authority');
  expect(finding?.remedy).toContain('that the service has signed');
});
