import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type { Goal, Place } from '../place';
import { eventStoresIn } from '../smoke/postgres';
import { until } from './drill';

/** A port at which a program may show a certificate. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly goal: Goal;
}

/** What a watch knows of one endpoint. */
export interface Seen {
  /** Of the certificate that was shown last, in hexadecimal digits; empty before there was one. */
  readonly serial: string;
  /** How often a connection was tried. */
  readonly tries: number;
  /** Seconds between two connections that succeeded, the longest there were. */
  readonly longest: number;
  /** Why a certificate was not trusted; empty where all were. */
  readonly untrusted: string;
  /** Answers on connections that are kept, and how often one of these was cut. */
  readonly answers: number;
  readonly cuts: number;
}

interface ServiceSpec {
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly port: number; readonly protocol?: string }[];
}

/** Every port of a Service whose name stands in a certificate, and those that PostgreSQL's operator makes Services for. */
export function endpointsIn(manifests: readonly Manifest[]): Endpoint[] {
  const names = new Set(
    manifests
      .filter(({ kind }) => kind === 'Certificate')
      .flatMap((each) => spec<CertificateSpec>(each).dnsNames ?? []),
  );
  const services = manifests
    .filter(({ kind }) => kind === 'Service')
    .flatMap((service) => {
      const { name, namespace = '' } = service.metadata;
      const { selector, ports = [] } = spec<ServiceSpec>(service);
      const host = `${name}.${namespace}.svc.cluster.local`;
      if (!selector || !names.has(host)) return [];
      const dialled = ports.filter(({ protocol = 'TCP' }) => protocol === 'TCP');
      return dialled.map(({ port }) => ({ host, port, goal: { namespace, labels: selector, port } }));
    });
  const stores = eventStoresIn(manifests).flatMap(({ hosts, database, pooler }) => [
    { host: hosts.readWrite, port: database.port, goal: database },
    ...(pooler && hosts.pooled !== undefined
      ? [{ host: hosts.pooled, port: pooler.port, goal: pooler }]
      : []),
  ]);
  return [...services, ...stores];
}

/** Seconds that a watch may last: longer than everything that is done meanwhile. */
const WATCH_SECONDS = 1700;

/** Connects again and again, and keeps connections, from a place; `/tls` and `/trust` are mounted there. */
export class Watch {
  private read?: { readonly at: number; readonly seen: Promise<ReadonlyMap<string, Seen>> };

  private constructor(
    private readonly place: Place,
    private readonly ended: Promise<string>,
  ) {}

  /** Begins; every endpoint was tried once afterwards. */
  static async start(place: Place, endpoints: readonly Endpoint[]): Promise<Watch> {
    const program = readFileSync(join(__dirname, 'watch.py'), 'utf8');
    await place.exec(['sh', '-c', 'rm -f /tmp/stop /tmp/seen.json; cat > /tmp/watch.py'], program);
    const targets = JSON.stringify(endpoints.map(({ host, port }) => [host, port]));
    const ended = place.exec(['timeout', String(WATCH_SECONDS), 'python3', '/tmp/watch.py'], targets);
    ended.catch(() => undefined);
    const watch = new Watch(place, ended);
    await until('the watch has seen every endpoint', async () => {
      const seen = await watch.seen().catch(() => new Map<string, Seen>());
      return seen.size > 0 && [...seen.values()].every(({ tries }) => tries > 1);
    });
    return watch;
  }

  /** By `host:port`; read once a second, whoever asks. */
  seen(): Promise<ReadonlyMap<string, Seen>> {
    const now = performance.now();
    if (!this.read || now - this.read.at > 1000) this.read = { at: now, seen: this.readSeen() };
    return this.read.seen;
  }

  private async readSeen(): Promise<ReadonlyMap<string, Seen>> {
    const text = await this.place.run('cat /tmp/seen.json');
    return new Map(Object.entries(JSON.parse(text) as Record<string, Seen>));
  }

  async stop(): Promise<void> {
    await this.place.run('touch /tmp/stop');
    await this.ended;
  }
}
