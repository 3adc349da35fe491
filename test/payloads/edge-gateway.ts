/** The entry behind a gateway: whom it says it speaks for is who is limited, and nobody says so elsewhere. */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { EdgePod } from './edge-pod';
import { parsed, type Stand, TIGHT } from './edge-stand';
import { freePort } from '../../acceptance/free-port';
import type { Report } from './report';
import { until } from './timing';

/** As a gateway connects: from its own address, with a header before anything else. */
interface Knock {
  readonly port: number;
  readonly header: Buffer | string;
  /** Folder of a client's certificate. */
  readonly certificate?: string;
}

/** The PROXY protocol's header of version 2, of a TCP connection over IPv4. */
function v2(client: string): Buffer {
  const octets = (address: string): number[] => address.split('.').map(Number);
  const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
  const addresses = [...octets(client), ...octets('203.0.113.1')];
  const ports = [0xc3, 0x50, 0x01, 0xbb];
  return Buffer.from([...signature, 0x21, 0x11, 0, addresses.length + ports.length, ...addresses, ...ports]);
}

const v1 = (client: string): string => `PROXY TCP4 ${client} 203.0.113.1 50000 443\r\n`;

/** A connection with TLS; rejected where it is closed instead. */
async function knock({ port, header, certificate }: Knock): Promise<TLSSocket> {
  const plain = dial(port, '127.0.0.1');
  plain.on('error', () => undefined);
  await once(plain, 'connect');
  if (header.length > 0) plain.write(header);
  const own = (file: string) =>
    certificate === undefined ? undefined : readFileSync(join(certificate, file));
  const socket = connect({
    socket: plain,
    rejectUnauthorized: false,
    cert: own('client.crt'),
    key: own('client.key'),
  });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('close', () => reject(new Error('closed')));
  });
  return socket;
}

/** The status of one request on a connection, or that it was closed. */
async function status(socket: TLSSocket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('GET /health HTTP/1.1\r\nhost: edge\r\n\r\n');
  await Promise.race([
    closed,
    until(3000, 'an answer', () => Promise.resolve(text !== '')).catch(() => undefined),
  ]);
  return text === '' ? 'closed' : (text.split(' ')[1] ?? 'nothing');
}

const ask = async (way: Knock): Promise<string> => {
  try {
    const socket = await knock(way);
    const answer = await status(socket);
    socket.destroy();
    return answer;
  } catch {
    return 'closed';
  }
};

async function series(count: number, way: Knock): Promise<string[]> {
  const answers: string[] = [];
  for (let index = 0; index < count; index += 1) answers.push(await ask(way));
  return answers;
}

export async function gateway(report: Report, stand: Stand): Promise<void> {
  for (const kind of ['none', 'without-token', 'required'] as const) {
    const edge = await stand.edge({}, kind, 'shared', { gateway: await freePort() });
    const said = await edge.verify().then(
      () => '',
      (error: unknown) => String(error),
    );
    report(`HAProxy takes it behind a gateway: certificates ${kind}`, said === '', said);
  }

  const port = await freePort();
  const edge = await stand.running(1, TIGHT, 'none', 'shared', { gateway: port });
  const { https } = edge.props.ports;
  await known(report, stand, edge, port);

  const limited = await series(25, { port, header: v2('198.51.100.7') });
  const other = await ask({ port, header: v2('198.51.100.8') });
  report(
    'who comes through a gateway is limited by the address that it says: 20 and no more, and nobody else for it',
    limited.every((each, index) => each === (index < 20 ? '200' : '429')) && other === '200',
    `${limited.filter((each) => each === '200').length} through, then ${limited.at(-1)}; another ${other}`,
  );

  const open = await Promise.all(
    Array.from({ length: 9 }, () => knock({ port, header: v2('198.51.100.9') }).catch(() => undefined)),
  );
  const alive = () => open.filter((socket) => socket !== undefined && !socket.destroyed).length;
  // TLS is there before the rules of the session are.
  await until(3000, 'three that are cut', () => Promise.resolve(alive() <= 6)).catch(() => undefined);
  await sleep(200);
  const beside = await ask({ port, header: v2('198.51.100.10') });
  report(
    'so are its connections: 6 and no more, and nobody else’s for it',
    alive() === 6 && beside === '200',
    `${alive()} of 9; another ${beside}`,
  );
  for (const socket of open) socket?.destroy();

  const refused = {
    'without a header at the port for gateways': await ask({ port, header: '' }),
    'with one at the ordinary port (version 2)': await ask({ port: https, header: v2('198.51.100.11') }),
    'with one at the ordinary port (version 1)': await ask({ port: https, header: v1('198.51.100.11') }),
  };
  for (const [what, got] of Object.entries(refused))
    report(`a connection ${what} is refused`, got === 'closed', got);

  const inside = await series(22, { port: https, header: '' });
  report(
    'who comes from inside is limited by its own address',
    inside.every((each, index) => each === (index < 20 ? '200' : '429')),
    `${inside.filter((each) => each === '200').length} through`,
  );
  await certified(report, stand);
}

/** Who a client is, to the bridge and in the log. */
async function known(report: Report, stand: Stand, edge: EdgePod, port: number): Promise<void> {
  const [pod] = stand.pods;
  for (const [version, header] of Object.entries({ 1: v1('198.51.100.1'), 2: v2('198.51.100.2') })) {
    const client = `198.51.100.${version}`;
    const answer = await ask({ port, header });
    const forwarded = pod?.headers['x-forwarded-for'];
    const find = () => edge.lines.some((line) => parsed(line)?.['client'] === client);
    await until(1000, 'a line', () => Promise.resolve(find())).catch(() => undefined);
    report(
      `a gateway says for whom it speaks (version ${version}): the bridge is told, and the log`,
      answer === '200' && forwarded === client && find(),
      `${answer}, ${String(forwarded)}`,
    );
  }
}

/** TLS goes through: a client's certificate is asked for here, and seen. */
async function certified(report: Report, stand: Stand): Promise<void> {
  const port = await freePort();
  const edge = await stand.running(1, TIGHT, 'required', 'shared', { gateway: port });
  const header = v2('198.51.100.3');
  const answers = [
    await ask({ port, header }),
    await ask({ port, header, certificate: stand.folder }),
    await ask({ port, header, certificate: join(stand.folder, 'strange') }),
  ];
  const named = edge.lines.some((line) => parsed(line)?.['certificate'] === 'client');
  report(
    'behind a gateway a certificate is asked for as anywhere, and its name logged',
    answers.join(' ') === 'closed 200 closed' && named,
    answers.join(' '),
  );
}
