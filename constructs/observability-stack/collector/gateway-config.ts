import type { Endpoint } from '../../platform/endpoint';
import type { Tenant } from '../loki';
import { DECISION_SECONDS } from '../sizing';
import { CERTIFICATE, memoryLimiter, MUTUAL, OWN_TELEMETRY, server, TRUST } from './settings';

export interface GatewayConfigProps {
  readonly loki: Endpoint;
  readonly tempo: Endpoint;
  readonly spansPerSecond: number;
  /** Traces of which all is kept: those that took longer, ms. */
  readonly slowMilliseconds: number;
  /** Of all other traces without an error, how many of a hundred are kept. */
  readonly keptPercent: number;
  /** Memory of the container, as a quantity. */
  readonly memory: string;
  readonly ports: Readonly<Record<'grpc' | 'http' | 'metrics' | 'own', number>>;
}

/** Whose logs are sent where. */
const TENANTS = ['platform', 'bridge'] as const satisfies readonly Tenant[];

/**
 * Bounds of the durations that are counted, with those that objectives are about (100 ms and 300 ms for a validation, 10 ms
 * for an append) among them: a share of requests is exact only at a bound.
 */
const BUCKETS = [
  '1ms',
  '2ms',
  '5ms',
  '10ms',
  '25ms',
  '50ms',
  '100ms',
  '200ms',
  '300ms',
  '500ms',
  '1s',
  '2s',
  '5s',
];

/** What tells requests apart, beside service, span, kind and status; `http.method` and such are what older libraries say. */
const DIMENSIONS = [
  'http.route',
  'http.request.method',
  'http.response.status_code',
  'http.method',
  'http.status_code',
];

/** Series of spans that a gateway counts at most: names that somebody put an identifier into end in one of their own. */
const SERIES = 5000;

/** The configuration of a gateway: logs to Loki by tenant, spans counted, sampled and sent to Tempo. */
export function gatewayConfig(props: GatewayConfigProps): object {
  const { loki, tempo, ports, memory } = props;
  return {
    receivers: {
      otlp: {
        protocols: {
          grpc: { ...server(ports.grpc), keepalive: BALANCE },
          http: { endpoint: `0.0.0.0:${ports.http}`, tls: CERTIFICATE },
        },
      },
    },
    processors: {
      memory_limiter: memoryLimiter(memory),
      tail_sampling: tailSampling(props),
    },
    connectors: {
      routing: {
        default_pipelines: ['logs/platform'],
        table: [
          { context: 'resource', condition: 'attributes["tenant"] == "bridge"', pipelines: ['logs/bridge'] },
        ],
      },
      spanmetrics: {
        namespace: 'traces.span.metrics',
        histogram: { unit: 'ms', explicit: { buckets: BUCKETS } },
        dimensions: DIMENSIONS.map((name) => ({ name })),
        exemplars: { enabled: true },
        aggregation_cardinality_limit: SERIES,
        metrics_flush_interval: '15s',
      },
    },
    exporters: {
      ...Object.fromEntries(TENANTS.map((tenant) => [`otlp_http/${tenant}`, toLoki(loki, tenant)])),
      otlp_grpc: {
        endpoint: tempo.address,
        tls: MUTUAL,
        sending_queue: { queue_size: 500 },
        retry_on_failure: { max_elapsed_time: '5m' },
      },
      prometheus: {
        ...server(ports.metrics),
        // As long as alerts look back at most: a route that nobody asks for in a day is gone.
        metric_expiration: '24h',
        enable_open_metrics: true,
        without_scope_info: true,
      },
    },
    service: {
      telemetry: OWN_TELEMETRY(ports.own),
      pipelines: {
        logs: { receivers: ['otlp'], processors: ['memory_limiter'], exporters: ['routing'] },
        ...Object.fromEntries(
          TENANTS.map((tenant) => [
            `logs/${tenant}`,
            { receivers: ['routing'], exporters: [`otlp_http/${tenant}`] },
          ]),
        ),
        // Counted before any is left out.
        'traces/count': { receivers: ['otlp'], processors: ['memory_limiter'], exporters: ['spanmetrics'] },
        'traces/keep': {
          receivers: ['otlp'],
          processors: ['memory_limiter', 'tail_sampling'],
          exporters: ['otlp_grpc'],
        },
        metrics: { receivers: ['otlp', 'spanmetrics'], exporters: ['prometheus'] },
      },
    },
  };
}

/** A connection stays with the gateway it was made to: after this time it is made anew, to another one. */
const BALANCE = { server_parameters: { max_connection_age: '5m', max_connection_age_grace: '30s' } } as const;

function toLoki(loki: Endpoint, tenant: Tenant): object {
  return {
    endpoint: `${loki.url('https')}/otlp`,
    tls: TRUST,
    headers: { 'X-Scope-OrgID': tenant },
    // Lines, not batches: memory is what they fill. Full, it refuses, and agents keep the rest in their files.
    sending_queue: {
      sizer: 'items',
      queue_size: 10_000,
      batch: { flush_timeout: '1s', min_size: 500, max_size: 1000 },
    },
    retry_on_failure: { max_elapsed_time: 0 },
  };
}

/**
 * All traces with an error, all slow ones, and a share of the rest. One process' spans come over one connection, to one
 * gateway, which so sees a trace whole.
 */
function tailSampling({ slowMilliseconds, keptPercent, spansPerSecond }: GatewayConfigProps): object {
  return {
    decision_wait: `${DECISION_SECONDS}s`,
    // A trace has one span at least.
    num_traces: Math.ceil(2 * DECISION_SECONDS * spansPerSecond),
    policies: [
      { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
      { name: 'slow', type: 'latency', latency: { threshold_ms: slowMilliseconds } },
      { name: 'share', type: 'probabilistic', probabilistic: { sampling_percentage: keptPercent } },
    ],
  };
}
