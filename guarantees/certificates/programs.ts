/** How whoever holds a certificate comes to use a renewed one. */
export interface Taking {
  /** What it does, as told in the report. */
  readonly how: string;
  /** Seconds from when the file or the Secret is new until the new one is used, at most. */
  readonly within: number;
  /** What must stand in the container, its ConfigMaps or the object, for without it this is not done. */
  readonly needs?: RegExp;
}

export interface Program {
  /** In the image's name, or the kind of the object. */
  readonly of: RegExp;
  readonly leaf: Taking;
  /** Where it is known from: tried with the real program, or read in its source or documentation. */
  readonly source: string;
}

const MINUTE = 60;
const HOUR = 3600;

/** The connection that comes next has it. */
const EACH_CONNECTION = { how: 'reads it for each connection', within: 0 } as const;

/** Every program that holds a certificate of the platform. The first that fits is the one. */
export const PROGRAMS: readonly Program[] = [
  {
    of: /\/haproxy:/,
    // Two looks of the probe, and the old process finishes what it has.
    leaf: { how: 'liveness probe reloads it', within: MINUTE, needs: /kill -USR2 [^\n]*haproxy\/pid/ },
    source: 'tried: test/payloads/edge.ts',
  },
  {
    of: /\/haproxy:/,
    leaf: { how: 'liveness probe gives it to the running process', within: MINUTE, needs: /set ssl cert/ },
    source: 'tried: test/payloads/redis.ts',
  },
  {
    of: /\/redis:/,
    // Ten minutes a member, five more for its Sentinel: nine members are the most that the configuration takes.
    leaf: {
      how: 'liveness probe restarts members in turn',
      within: 2 * HOUR,
      needs: /if renewed \/run\/(redis|sentinel)/,
    },
    source: 'handover tried: test/payloads/redis.ts',
  },
  { of: /\/redis_exporter:/, leaf: EACH_CONNECTION, source: 'its source (exporter/tls.go)' },
  {
    of: /\/weaviate:/,
    leaf: { how: 'start script restarts members in turn', within: 2 * HOUR, needs: /restart_when_renewed &/ },
    source: 'constructs/vector-database/start.sh',
  },
  {
    of: /\/vault:/,
    leaf: { how: 'start script has it read the file', within: 2 * MINUTE, needs: /reload_when_renewed &/ },
    source: 'tried with the real program: constructs/vault-mtls/start.sh',
  },
  {
    of: /\/minio:/,
    leaf: { how: 'looks at the file every minute', within: MINUTE, needs: /--certs-dir/ },
    source: 'constructs/object-storage/README.md',
  },
  {
    of: /\/seaweedfs:/,
    leaf: { how: 'looks at the file now and then', within: 6 * HOUR },
    source: 'constructs/object-storage/README.md; the interval is unverified',
  },
  {
    of: /\/opentelemetry-collector/,
    leaf: {
      how: 'looks at the file every hour',
      within: HOUR,
      needs: /reload_interval"?: "?1h/,
    },
    source: 'its documentation (config/configtls)',
  },
  {
    of: /\/grafana:/,
    leaf: { how: 'looks at the file', within: 10 * MINUTE, needs: /certs_watch_interval = 10m/ },
    source: 'its documentation (server.certs_watch_interval)',
  },
  { of: /\/loki:/, leaf: EACH_CONNECTION, source: 'its source (dskit/server/tls_config.go)' },
  {
    of: /\/tempo:/,
    leaf: { how: 'looks at the file every hour', within: HOUR, needs: /reload_interval: 1h/ },
    source: 'its source (dskit) and documentation of the collector it contains',
  },
  {
    of: /\/alertmanager:/,
    leaf: { ...EACH_CONNECTION, needs: /--web\.config\.file/ },
    source: 'its documentation (exporter-toolkit)',
  },
  { of: /\/blackbox-exporter:/, leaf: EACH_CONNECTION, source: 'its source: a client of its own per probe' },
  { of: /\/lighthouse\/bridge:/, leaf: EACH_CONNECTION, source: 'redis-py: a context per connection' },
  {
    of: /\/postgresql:/,
    leaf: EACH_CONNECTION,
    source: 'documentation of libpq (sslcert): psql has one connection',
  },
  {
    of: /^Cluster$/,
    leaf: { how: 'its operator reloads PostgreSQL', within: MINUTE },
    source: 'documentation of CloudNativePG (certificates; label cnpg.io/reload)',
  },
  {
    of: /^Pooler$/,
    // By itself the operator looks again every ten hours.
    leaf: { how: 'its operator rolls PgBouncer', within: 11 * HOUR },
    source: 'constructs/postgres-cluster/README.md',
  },
  {
    of: /^(Prometheus|Alertmanager)$/,
    leaf: { ...EACH_CONNECTION },
    source: 'documentation of exporter-toolkit',
  },
  {
    of: /^TriggerAuthentication$/,
    leaf: { how: 'KEDA builds its client anew after a failure', within: 10 * MINUTE },
    source: 'unverified',
  },
];

/**
 * Seconds until a renewed Secret or ConfigMap is in every pod that mounts it: the kubelet looks every minute (syncFrequency), what it
 * knows may be as old.
 */
export const KUBELET = 2 * MINUTE;

/** Seconds within which a published revision is synced and every pod rolled; more than anything here takes. */
export const ROLLED = 24 * HOUR;
