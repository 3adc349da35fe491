import { mkdirSync, readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { Outcome } from '../acceptance/kubectl';
import { EDGE_LIMITS } from '../constructs/bridge-edge/limits';
import { ENDED } from '../guarantees/certificates/authority';
import type { EdgePod } from '../test/payloads/edge-pod';
import { Stand } from '../test/payloads/edge-stand';
import type { Attack, Ground } from './attack';
import { handshake } from './handshake';

/** Sessions that one client asks for, one after the other: twice what it may have in a minute. */
const FLOOD = 2 * EDGE_LIMITS.sessions;

/** The edge as production has it: its printed configuration, its default limits, certificates asked of everybody. */
export const EDGE: Ground = {
  where: 'HAProxy with the edge’s configuration, on loopback',
  open: async (tried) => {
    const stand = await Stand.open();
    try {
      mkdirSync(join(stand.folder, 'ended'));
      stand.authority.write(join(stand.folder, 'ended', 'client'), 'client', { to: ENDED });
      await tried(attacksOn(stand, await stand.running(1, {}, 'required')));
    } finally {
      await stand.close();
    }
  },
};

function attacksOn(stand: Stand, edge: EdgePod): readonly Attack[] {
  const { https } = edge.props.ports;
  const hello = (certificates: string, options: ConnectionOptions = {}) =>
    handshake({
      ...{ host: '127.0.0.1', port: https, ...options },
      cert: readFileSync(join(certificates, 'client.crt')),
      key: readFileSync(join(certificates, 'client.key')),
    });
  const certified = () => hello(stand.folder);
  return [
    {
      name: 'an agent shows an expired certificate of the platform’s own authority',
      means: 'the edge verifies certificates, their dates among them',
      refusal: /certificate expired/,
      attempt: () => hello(join(stand.folder, 'ended')),
      permitted: 'one that has not ended',
      control: certified,
    },
    {
      name: 'an agent shows a certificate of another authority with the same name',
      means: 'the edge verifies certificates by the platform’s authority',
      refusal: /unknown ca/,
      attempt: () => hello(join(stand.folder, 'strange')),
      permitted: 'one of the platform’s',
      control: certified,
    },
    {
      name: 'a downgrade: TLS 1.1',
      means: 'the edge speaks TLS 1.2 and newer',
      refusal: /protocol version/,
      // The client must be willing, or it would refuse by itself.
      attempt: () => hello(stand.folder, { ...only('TLSv1.1'), ciphers: 'DEFAULT@SECLEVEL=0' }),
      permitted: 'TLS 1.2, by the same client',
      control: () => hello(stand.folder, { ...only('TLSv1.2'), ciphers: 'DEFAULT@SECLEVEL=0' }),
    },
    {
      name: 'a downgrade: the edge is spoken to in plain text',
      means: 'its only port for clients speaks TLS alone',
      refusal: /closed, nothing answered/,
      attempt: () => plain(https),
      permitted: 'the same by TLS, with a certificate',
      control: () => session(stand, edge, '127.0.3.3').then(({ status }) => ended(status === 200, status)),
    },
    {
      name: `a flood at the session endpoint: one client asks for ${FLOOD} sessions`,
      means: `${EDGE_LIMITS.sessions} new sessions of a client in a minute`,
      refusal: new RegExp(
        `^${EDGE_LIMITS.sessions} sessions, ${EDGE_LIMITS.sessions} reach the bridge, then ${FLOOD - EDGE_LIMITS.sessions} × 429, Retry-After 60, `,
      ),
      attempt: () => flood(stand, edge),
      permitted: 'afterwards another client gets a session',
      control: () => session(stand, edge, '127.0.3.2').then(({ status }) => ended(status === 200, status)),
    },
  ];
}

const only = (version: 'TLSv1.1' | 'TLSv1.2') => ({ minVersion: version, maxVersion: version });

const ended = (isGood: boolean, said: unknown): Outcome => ({
  ...{ status: isGood ? 0 : 1, stdout: '' },
  stderr: String(said),
});

function session(stand: Stand, edge: EdgePod, localAddress: string) {
  return edge.ask('/session/create', {
    ...{ method: 'POST', body: '{}', localAddress, certificate: stand.folder },
    agent: new Agent({ keepAlive: false }),
  });
}

/** Asks for one session after the other, and tells how many of each answer there were. */
async function flood(stand: Stand, edge: EdgePod): Promise<Outcome> {
  const before = stand.count('POST /session/create');
  const answers = [];
  for (let index = 0; index < FLOOD; index += 1) answers.push(await session(stand, edge, '127.0.3.1'));
  const through = answers.findIndex(({ status }) => status !== 200);
  if (through < 0) return ended(true, 'all pass');
  const rest = answers.slice(through);
  const kinds = new Set(
    rest.map(({ status, headers }) => `${status}, Retry-After ${headers['retry-after']}`),
  );
  const reached = stand.count('POST /session/create') - before;
  return ended(
    false,
    `${through} sessions, ${reached} reach the bridge, then ${rest.length} × ${[...kinds].join(' and ')}, ${rest[0]?.body}`,
  );
}

/** A request without TLS. */
function plain(port: number): Promise<Outcome> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.once('close', () =>
      done(ended(answer.startsWith('HTTP/'), answer === '' ? 'closed, nothing answered' : answer)),
    );
    socket.write('POST /session/create HTTP/1.1\r\nhost: edge\r\ncontent-length: 2\r\n\r\n{}');
  });
}
