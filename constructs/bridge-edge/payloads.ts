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
  readonly ports: { readonly https: number; readonly http: number; readonly admin: number };
}

interface Payloads {
  readonly files: Readonly<Record<string, Holes>>;
  readonly generated: Readonly<Record<string, string>>;
}

const TRUSTED = 'ca-file /trust/ca.crt';

const CERTIFICATES = {
  none: { VERIFY: 'verify none', CERTIFIED_ROUTES: 'none' },
  'without-token': {
    VERIFY: `${TRUSTED} verify optional`,
    CERTIFIED_ROUTES: 'session-create session-validate sockets',
  },
  required: { VERIFY: `${TRUSTED} verify required`, CERTIFIED_ROUTES: 'none' },
} as const satisfies Record<ClientCertificates, Holes>;

/** A token works in the process that gave it: there a client is led to the same one every time. */
const BALANCE = { 'one-process': 'balance source', shared: 'balance leastconn' } as const;

/** The longest that stopping takes: what the bridge may take, and a moment to send it. */
export function stopSeconds({ serverSeconds }: EdgeLimits): number {
  return serverSeconds + 5;
}

/** The payload files of the edge, each with the values of its holes. */
export function edgePayloads(props: EdgePayloadProps): Payloads {
  const { limits, clientCertificates, sessions, backend, ports } = props;
  return {
    files: {
      'routes.map': {},
      'start-haproxy.sh': {},
      'live-haproxy.sh': { HTTP_PORT: ports.http },
      'mode.sh': { ADMIN_PORT: ports.admin, SERVERS: limits.servers },
      'server.sh': { ADMIN_PORT: ports.admin },
      'haproxy.cfg': {
        ...CERTIFICATES[clientCertificates],
        BALANCE: BALANCE[sessions],
        HOST: backend.host,
        ADDRESS: backend.address,
        HTTPS_PORT: ports.https,
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
