import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../acceptance/kubectl';
import { ENDED } from '../guarantees/certificates/authority';
import { Group } from '../test/payloads/redis/group';
import { NAMES, Network } from '../test/payloads/redis/network';
import type { Pod } from '../test/payloads/redis/pod';
import type { Attack, Ground } from './attack';
import { handshake } from './handshake';

/** A member with its Sentinel and the proxy, each a pod with a network of its own. */
export const REDIS: Ground = {
  where: 'Redis with its printed configuration, in a network of its own',
  open: async (tried) => {
    const network = await Network.open();
    let group: Group | undefined;
    try {
      group = new Group(network, 1, 'sessions');
      await group.start();
      const [member] = group.pods;
      if (member) await tried(attacksOn(network, member));
    } finally {
      await group?.close();
      await network.close();
    }
  },
};

function attacksOn(network: Network, member: Pod): readonly Attack[] {
  const at = join(member.root, 'tls', 'ended');
  network.authority.write(at, 'redis', { names: NAMES, to: ENDED });
  chmodSync(`${at}.key`, 0o444);
  const hello = (file: string) =>
    handshake({
      ...{ host: member.ip, port: 6379 },
      cert: readFileSync(`${file}.crt`),
      key: readFileSync(`${file}.key`),
    });
  /** A command inside the pod, where the password lies. */
  const inside = async (script: string): Promise<Outcome> => {
    const said = await member.output('sh', '-c', script);
    if (said.includes('PONG')) return { status: 0, stdout: said, stderr: '' };
    // Whether redis-cli reads or writes first decides in which of these words it says so.
    const isCut = said.split('\n').every((line) => /^(|I\/O error|Error: .*(closed|reset).*)$/.test(line));
    return { status: 1, stdout: '', stderr: isCut ? 'the connection is cut, PING gets no answer' : said };
  };
  const asked = (certificate: string) =>
    `REDISCLI_AUTH=$(cat /secrets/bridge) redis-cli --no-auth-warning --user bridge --tls --cacert /trust/ca.crt ${certificate} PING`;
  const right = asked('--cert /tls/tls.crt --key /tls/tls.key');
  return [
    {
      name: 'a client shows Redis an expired certificate of the platform’s own authority',
      means: 'tls-auth-clients: certificates are verified, their dates among them',
      refusal: /certificate expired/,
      attempt: () => hello(at),
      permitted: 'one that has not ended',
      control: () => hello(join(network.folder, 'tls')),
    },
    {
      name: 'a client that has a stolen password and an expired certificate asks Redis',
      means: 'tls-auth-clients: a password alone opens nothing',
      refusal: /is cut/,
      attempt: () => inside(asked('--cert /tls/ended.crt --key /tls/ended.key')),
      permitted: 'the same password with a certificate that has not ended',
      control: () => inside(right),
    },
    {
      name: 'a downgrade: Redis is spoken to in plain text',
      means: 'the server listens for TLS alone',
      refusal: /is cut/,
      attempt: () => inside('timeout 5 redis-cli PING'),
      permitted: 'the same by TLS, with certificate and password',
      control: () => inside(right),
    },
    {
      name: 'a downgrade: Sentinel is spoken to in plain text',
      means: 'the server listens for TLS alone',
      refusal: /is cut/,
      attempt: () => inside('timeout 5 redis-cli -p 26379 PING'),
      permitted: 'the same by TLS, with certificate and password',
      control: () => inside('. /config/members.sh; ask probe 127.0.0.1 26379 PING'),
    },
  ];
}
