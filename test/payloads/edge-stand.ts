import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { globalAgent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { EDGE_LIMITS, type EdgeLimits } from '../../constructs/bridge-edge/limits';
import type {
  ClientCertificates,
  EdgePayloadProps,
  EdgePorts,
  Sessions,
} from '../../constructs/bridge-edge/payloads';
import { Authority } from '../../guarantees/certificates/authority';
import { BridgePod, Names } from './edge-bridge';
import { type Answer, EdgePod } from './edge-pod';
import { freePort } from '../../acceptance/free-port';
import { until } from './timing';

const HOST = 'bridge.bridge.svc.cluster.local';

/** Small enough to reach each within a second. */
export const TIGHT: Partial<EdgeLimits> = {
  clientConnections: 6,
  clientRequests: 20,
  agentRequests: 8,
  sessions: 5,
  routes: { 'task-dispatch': 12 },
  bodyBytes: 4096,
  inFlight: 2,
  queue: 3,
  queueSeconds: 6,
  slowSeconds: 1,
  clientSeconds: 2,
  tunnelSeconds: 6,
  slowStartSeconds: 1,
};

/** As wide as what is not measured needs to be, with a breaker that is quick. */
export const WIDE: Partial<EdgeLimits> = {
  clientRequests: 1_000_000,
  agentRequests: 1_000_000,
  routeRequests: 1_000_000,
  clientConnections: 1000,
  servers: 3,
  errors: 5,
  openSeconds: 1,
  retryFailures: 1000,
  slowStartSeconds: 1,
};

/** Three pods of the bridge, their names, and the edges in front of them. */
export class Stand {
  readonly pods: BridgePod[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'edge-payloads-'));
  readonly authority = new Authority();
  private readonly names = new Names();
  private readonly edges: EdgePod[] = [];
  private dnsPort = 0;
  private port = 0;

  static async open(): Promise<Stand> {
    const stand = new Stand();
    stand.port = await freePort();
    stand.dnsPort = await stand.names.listen();
    stand.issue();
    for (const last of [11, 12, 13]) {
      const pod = new BridgePod(`127.0.0.${last}`, stand.port);
      await pod.start();
      stand.pods.push(pod);
    }
    return stand;
  }

  /** An edge that is not started. */
  async edge(
    limits: Partial<EdgeLimits>,
    clientCertificates: ClientCertificates = 'none',
    sessions: Sessions = 'shared',
    entry: Pick<EdgePorts, 'gateway'> = {},
  ): Promise<EdgePod> {
    const props: EdgePayloadProps = {
      limits: { ...EDGE_LIMITS, ...limits },
      clientCertificates,
      sessions,
      backend: { host: HOST, address: `${HOST}:${this.port}` },
      ports: { https: await freePort(), http: await freePort(), admin: await freePort(), ...entry },
    };
    const edge = new EdgePod(join(this.folder, String(this.edges.length)), props, this.dnsPort, this.folder);
    this.edges.push(edge);
    return edge;
  }

  /** An edge that runs, in front of the first of the pods. */
  async running(pods: number, ...settings: Parameters<Stand['edge']>): Promise<EdgePod> {
    this.announce(pods);
    for (const pod of this.pods) Object.assign(pod, { code: 200, delay: 0, status: 'operational' });
    const edge = await this.edge(...settings);
    edge.start();
    await until(8000, 'the bridge is up', async () => (await edge.up()) === pods);
    await until(8000, 'its sockets are up', async () => (await edge.up('sockets')) === pods);
    return edge;
  }

  /** The pods whose addresses DNS gives. */
  announce(pods: number): void {
    this.names.addresses.clear();
    for (const { ip } of this.pods.slice(0, pods)) this.names.addresses.add(ip);
  }

  /** How often a request reached any of the pods. */
  count(request: string): number {
    return this.pods.reduce((sum, pod) => sum + pod.count(request), 0);
  }

  /** What all edges said. */
  journal(): string[] {
    return this.edges.flatMap(({ lines }) => lines);
  }

  async close(): Promise<void> {
    globalAgent.destroy();
    await Promise.all(this.edges.map((edge) => edge.stop()));
    for (const pod of this.pods) pod.kill();
    this.names.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private issue(): void {
    writeFileSync(join(this.folder, 'ca.crt'), this.authority.certificate);
    mkdirSync(join(this.folder, 'strange'));
    this.authority.write(join(this.folder, 'server'), 'server', { names: ['localhost'] });
    this.authority.write(join(this.folder, 'client'), 'client');
    new Authority('other').write(join(this.folder, 'strange', 'client'), 'client');
  }
}

/** Begins a WebSocket as a client does, and keeps what comes afterwards. */
export async function upgrade(
  edge: EdgePod,
  path: string,
  address?: string,
): Promise<{ head: string; socket: TLSSocket; received: () => string }> {
  const socket = await edge.dial(address);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: edge\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await until(3000, 'an answer to an upgrade', () => Promise.resolve(text.includes('\r\n\r\n')));
  const end = text.indexOf('\r\n\r\n') + 4;
  return { head: text.slice(0, end), socket, received: () => text.slice(end) };
}

/** Asks for one path after the other, so many at a time; the codes, 0 for none. */
export async function paced(
  paths: readonly string[],
  ask: (path: string) => Promise<Answer>,
  width = 8,
): Promise<number[]> {
  const codes: number[] = [];
  const left = [...paths];
  const work = async (): Promise<void> => {
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      codes.push(
        await ask(path).then(
          ({ status }) => status,
          () => 0,
        ),
      );
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return codes;
}

export function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

export const isStatus =
  (code: number) =>
  ({ status }: Answer): boolean =>
    status === code;

export const isJson = ({ body, headers }: Answer): boolean =>
  headers['content-type'] === 'application/json' && parsed(body)?.['detail'] !== undefined;

export const statuses = (answers: readonly Answer[]): string => answers.map(({ status }) => status).join(' ');
