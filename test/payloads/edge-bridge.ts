import { createHash } from 'node:crypto';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a server proves with that it understood (RFC 6455, section 1.3). */
const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** One pod that answers as the bridge does, and fails, dawdles and dies as it is told. */
export class BridgePod {
  /** What `/status` says; its code is 200 whatever it is. */
  status: 'operational' | 'stopped' = 'operational';
  /** Code of every answer but `/status`'s. */
  code = 200;
  delay = 0;
  /** Requests that arrived here, `METHOD /path`, `/status` left out. */
  readonly seen: string[] = [];
  /** Headers of the last of them. */
  headers: IncomingMessage['headers'] = {};
  /** Methods of the requests it is busy with. */
  readonly busy: string[] = [];
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(
    readonly ip: string,
    private readonly port: number,
  ) {}

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.answer(request, response));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    });
    // Sends back whatever comes through a WebSocket, without looking into it.
    server.on('upgrade', (request, socket) => {
      this.seen.push(`${request.method} ${request.url}`);
      socket.on('error', () => undefined);
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}${WEBSOCKET}`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      );
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(this.port, this.ip, resolve));
    this.server = server;
  }

  /** As a killed process does: nobody is told anything. */
  kill(): void {
    this.server?.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  count(request: string): number {
    return this.seen.filter((each) => each === request).length;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    const json = (code: number, body: object) =>
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/status') {
      json(200, { status: this.status, mode: 'test', components: { store: { status: 'operational' } } });
      return;
    }
    this.seen.push(`${request.method} ${request.url}`);
    this.headers = request.headers;
    request.resume();
    this.busy.push(request.method ?? '');
    if (this.delay > 0) await sleep(this.delay);
    this.busy.splice(this.busy.indexOf(request.method ?? ''), 1);
    json(this.code, { pod: this.ip });
  }
}

/** Answers as CoreDNS does for a headless Service: an address for each pod. */
export class Names {
  readonly addresses = new Set<string>();
  private readonly socket: Datagrams = createSocket('udp4');

  async listen(): Promise<number> {
    this.socket.on('message', (query, peer) => this.socket.send(this.answer(query), peer.port, peer.address));
    await new Promise<void>((resolve) => this.socket.bind(0, '127.0.0.1', resolve));
    return this.socket.address().port;
  }

  close(): void {
    this.socket.close();
  }

  private answer(query: Buffer): Buffer {
    // The question ends with the name's last, empty label, its type and its class.
    const end = query.indexOf(0, 12) + 5;
    const addresses = query.readUInt16BE(end - 4) === 1 ? [...this.addresses] : [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8580, 2);
    header.writeUInt32BE((1 << 16) | addresses.length, 4);
    header.writeUInt32BE(0, 8);
    const records = addresses.map((ip) =>
      Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...ip.split('.').map(Number)]),
    );
    return Buffer.concat([header, query.subarray(12, end), ...records]);
  }
}
