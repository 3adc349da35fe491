import type { Holes } from '../platform/config-files';
import type { EdgeLimits } from './limits';

/** Whether clients must show a certificate of the platform: nobody, whoever needs no token, everybody. */
export type ClientCertificates = 'none' | 'without-token' | 'required';

/** Where the bridge keeps its sessions: each process its own, or all in one place. */
export type Sessions = 'one-process' | 'shared';

export interface EdgePayloadProps {
  readonly limits: EdgeLimits;
  readonly clientCertificates: ClientCertificates;
  readonly sessions: Sessions;
  /** The bridge, `host` and `host:port`. */
  readonly backend: { readonly host: string; readonly address: string };
  readonly ports: EdgePorts;
}

export interface EdgePorts {
  readonly https: number;
  readonly http: number;
  readonly admin: number;
  /**
   * Where a gateway connects, which says whom it speaks for (PROXY protocol).
   * @default - no gateway does
   */
  readonly gateway?: number;
}

interface Payloads {
  readonly files: Readonly<Record<string, Holes>>;
  readonly generated: Readonly<Record<string, string>>;
}

const TRUSTED = 'ca-file /trust/ca.crt';

const CERTIFICATES = {
  none: { verify: 'verify none', routes: 'none' },
  'without-token': {
    verify: `${TRUSTED} verify optional`,
    routes: 'session-create session-validate sockets',
  },
  required: { verify: `${TRUSTED} verify required`, routes: 'none' },
} as const satisfies Record<ClientCertificates, { readonly verify: string; readonly routes: string }>;

/** A token works in the process that gave it: there a client is led to the same one every time. */
const BALANCE = { 'one-process': 'balance source', shared: 'balance leastconn' } as const;

/** The longest that stopping takes: what the bridge may take, and a moment to send it. */
export function stopSeconds({ serverSeconds }: EdgeLimits): number {
  return serverSeconds + 5;
}

/** The payload files of the edge, each with the values of its holes. */
export function edgePayloads(props: EdgePayloadProps): Payloads {
  const { limits, clientCertificates, sessions, backend, ports } = props;
  const { verify, routes } = CERTIFICATES[clientCertificates];
  return {
    files: {
      'routes.map': {},
      'start-haproxy.sh': {},
      'live-haproxy.sh': { HTTP_PORT: ports.http },
      'mode.sh': { ADMIN_PORT: ports.admin, SERVERS: limits.servers },
      'server.sh': { ADMIN_PORT: ports.admin },
      'haproxy.cfg': {
        ...entryHoles(ports, verify),
        CERTIFIED_ROUTES: routes,
        BALANCE: BALANCE[sessions],
        HOST: backend.host,
        ADDRESS: backend.address,
        HTTP_PORT: ports.http,
        ADMIN_PORT: ports.admin,
        STOP_SECONDS: stopSeconds(limits),
        ...limitHoles(limits),
      },
    },
    generated: {
      'limits.map': Object.entries(limits.routes)
        .map(([route, requests]) => `${route} ${requests}\n`)
        .join(''),
    },
  };
}

/**
 * Where clients arrive, and when they are counted: as they connect, which is cheapest. Through a gateway they are known only once
 * its header was read, and the next rules after that are those of the session, after TLS.
 */
function entryHoles({ https, gateway }: EdgePorts, verify: string): Holes {
  const tls = `ssl crt /tls/tls.crt alpn h2,http/1.1 ${verify}`;
  const own = `bind :${https} ${tls}`;
  return gateway === undefined
    ? { BINDS: own, COUNTED: 'connection' }
    : { BINDS: `${own}\n  bind :${gateway} accept-proxy ${tls}`, COUNTED: 'session' };
}

/** Every limit that is a number, by its name in capitals: `clientRequests` is CLIENT_REQUESTS. */
function limitHoles(limits: EdgeLimits): Holes {
  return Object.fromEntries(
    Object.entries(limits).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'number'
        ? [[name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(), value]]
        : [],
    ),
  );
}
