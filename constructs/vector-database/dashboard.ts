import { logsRow, podsRow, probesRow } from '../observability-stack/dashboards/common-rows';
import { dashboard, row } from '../observability-stack/dashboards/dashboard';
import type { Dashboard } from '../observability-stack/dashboards/model';
import { above, below, graph, NONE, see, stat } from '../observability-stack/dashboards/panels';
import { now, series } from '../observability-stack/dashboards/queries';

export interface VectorDashboardProps {
  readonly members: number;
  /** Replicas of what makes vectors. */
  readonly embeddings: number;
  /** Seconds within which a probe must be answered. */
  readonly latencySeconds: number;
}

/** Weaviate, and what makes its vectors. */
export function vectorDashboard({ members, embeddings, latencySeconds }: VectorDashboardProps): Dashboard {
  const weaviate = 'job="vector-database/weaviate-members"';
  const pods = 'namespace="vector-database"';
  const quantile = (q: number) =>
    `histogram_quantile(${q}, sum by (le, route) (rate(weaviate_http_request_duration_seconds_bucket{${weaviate}}[$__rate_interval])))`;
  return dashboard('vector-database', {
    about:
      'What agents remember, found by meaning. First: members and the raft among them, then queries, then imports and the index.',
    to: [see('logs', { namespace: 'vector-database' }), see('platform')],
    rows: [
      row('State', [
        stat('Members scraped', {
          about: `Members that answer, of ${members}. Schema and users need a majority; objects are read from who is left.`,
          unit: 'none',
          bounds: below(members, Math.ceil(members / 2)),
          queries: [now(`sum(up{${weaviate}})`)],
        }),
        stat('Embedders ready', {
          about: `Pods that make vectors, of ${embeddings}. With none, imports and searches by text stop; searches by vector go on.`,
          unit: 'none',
          bounds: below(embeddings, 1),
          queries: [now(`sum(kube_pod_status_ready{${pods}, pod=~"embeddings-.*", condition="true"})`)],
        }),
        stat('Objects', {
          about:
            'Objects stored, copies included. It changes with imports; a fall nobody asked for is a loss.',
          unit: 'short',
          queries: [now(`sum(object_count{${weaviate}})`)],
        }),
        stat('Searches', {
          about: 'Requests a second, all members together.',
          unit: 'reqps',
          queries: [now(`sum(rate(weaviate_http_request_duration_seconds_count{${weaviate}}[5m]))`)],
        }),
        stat('Failed', {
          about: 'Share of requests that ended with 5xx.',
          unit: 'percentunit',
          decimals: 2,
          bounds: above(0.001, 0.01),
          queries: [
            now(
              `(sum(rate(weaviate_http_request_duration_seconds_count{${weaviate}, status_code=~"5.."}[5m])) or vector(0)) / sum(rate(weaviate_http_request_duration_seconds_count{${weaviate}}[5m]))`,
            ),
          ],
        }),
      ]),
      row('Requests', [
        graph('By route', {
          about: 'Requests a second by route.',
          unit: 'reqps',
          stacked: true,
          queries: [
            series(
              `sum by (route) (rate(weaviate_http_request_duration_seconds_count{${weaviate}}[$__rate_interval]))`,
              '{{route}}',
            ),
          ],
        }),
        graph('95th percentile', {
          about: 'How slow the slowest twentieth is, by route. Imports wait for vectors to be made.',
          unit: 's',
          bounds: above(1),
          queries: [series(quantile(0.95), '{{route}}')],
          to: [see('traces')],
        }),
        graph('Queries at a time', {
          about: 'Queries being answered. A plateau is the limit of the processors.',
          unit: 'none',
          queries: [series(`sum by (pod) (concurrent_queries_count{${weaviate}})`, '{{pod}}')],
          to: [see('capacity')],
        }),
      ]),
      row('Imports and index', [
        graph('Batches', {
          about:
            'Mean time of a step of an import. Vectors are the longest part; storage should be milliseconds.',
          unit: 'ms',
          queries: [
            series(
              `sum by (operation) (rate(batch_durations_ms_sum{${weaviate}}[$__rate_interval])) / sum by (operation) (rate(batch_durations_ms_count{${weaviate}}[$__rate_interval]))`,
              '{{operation}}',
            ),
          ],
        }),
        graph('Objects by member', {
          about: 'Objects of each member. Members that differ for long have not repaired each other.',
          unit: 'short',
          queries: [series(`sum by (pod) (object_count{${weaviate}})`, '{{pod}}')],
        }),
        graph('Deleted, still in the index', {
          about: 'Vectors marked as deleted that are not cleaned up. Growth without end slows every search.',
          unit: 'short',
          queries: [series(`sum by (pod) (vector_index_tombstones{${weaviate}})`, '{{pod}}')],
        }),
      ]),
      row('What fails', [
        graph('Requests by how they ended', {
          about:
            'Requests a second that failed: `user_error` is a client, `server_error` the database, often because vectors cannot be made or the disk is full.',
          unit: 'reqps',
          bounds: NONE,
          queries: [
            series(
              `sum by (status, query_type) (rate(requests_total{${weaviate}, status!="ok"}[$__rate_interval])) > 0`,
              '{{status}} {{query_type}}',
            ),
          ],
        }),
        graph('Memory refused to the index', {
          about:
            'Times that memory for the index was refused, a second. None is good: give members more, or fewer objects.',
          unit: 'cps',
          bounds: NONE,
          queries: [
            series(
              `sum by (pod) (rate(weaviate_vector_index_memory_allocation_rejected_total{${weaviate}}[$__rate_interval])) > 0`,
              '{{pod}}',
            ),
          ],
          to: [see('capacity')],
        }),
      ]),
      probesRow('vector-database|embeddings', latencySeconds),
      podsRow({
        namespace: 'vector-database',
        pods: '(weaviate|embeddings)-.*',
        claims: 'data-weaviate-members-.*',
      }),
      logsRow('vector-database', '(weaviate|embeddings).*'),
    ],
  });
}
