import { TRUST_FILE } from '../../certificate-authority';
import { parseQuantity } from '../../platform/quantity';

/** Whom a collector trusts as a client. */
export const TRUST = { ca_file: `/trust/${TRUST_FILE}` } as const;

/** How it shows who it is as a server; read again every hour, so that a renewed certificate needs no restart. */
export const CERTIFICATE = {
  cert_file: '/tls/tls.crt',
  key_file: '/tls/tls.key',
  reload_interval: '1h',
} as const;

/** Whom it trusts and how it shows itself, to a server that asks for a certificate. */
export const MUTUAL = { ...TRUST, ...CERTIFICATE } as const;

/** A port that it listens on, over TLS. */
export function server(port: number) {
  return { endpoint: `0.0.0.0:${port}`, tls: CERTIFICATE };
}

/** Refuses what comes in before memory runs out: whoever sent it tries again. */
export function memoryLimiter(memory: string): object {
  const mebibytes = parseQuantity(memory) / 2 ** 20;
  return {
    check_interval: '1s',
    limit_mib: Math.floor(mebibytes * 0.8),
    spike_limit_mib: Math.floor(mebibytes * 0.15),
  };
}

/** What it says of itself: JSON lines, and metrics without TLS, which this server does not have. */
export const OWN_TELEMETRY = (port: number): object => ({
  logs: { encoding: 'json' },
  metrics: {
    level: 'normal',
    readers: [{ pull: { exporter: { prometheus: { host: '0.0.0.0', port } } } }],
  },
});
