import { logsRow, podsRow, probesRow } from '../observability-stack/dashboards/common-rows';
import { dashboard, Row, row } from '../observability-stack/dashboards/dashboard';
import type { Dashboard } from '../observability-stack/dashboards/model';
import { above, below, graph, NONE, see, stat, table } from '../observability-stack/dashboards/panels';
import { now, rows, series } from '../observability-stack/dashboards/queries';

export interface ObjectStorageDashboardProps {
  readonly engine: 'minio' | 'seaweedfs' | 'external';
  /** Seconds within which a probe must be answered. */
  readonly latencySeconds: number;
}

/** Where backups, logs and traces are kept: whether it is there, how full, how busy. */
export function objectStorageDashboard({ engine, latencySeconds }: ObjectStorageDashboardProps): Dashboard {
  return dashboard('object-storage', {
    about:
      engine === 'external'
        ? 'A provider’s storage: only whether it answers is seen from here; what it holds and costs, its own console tells.'
        : 'Where backups, logs and traces are kept. A full volume stops them all at once: look at the share used first.',
    to: [see('recovery'), see('logs', { namespace: 'object-storage' })],
    rows: [
      ...ENGINES[engine],
      probesRow('object-storage', latencySeconds),
      ...(engine === 'external'
        ? []
        : [
            podsRow({ namespace: 'object-storage', pods: 's3-.*', claims: 'data-s3-.*' }),
            logsRow('object-storage', 's3.*'),
          ]),
    ],
  });
}

/** Shares of the storage that are nearly all of it. */
const NEARLY_FULL = above(0.8, 0.9);

const SERVER = 'job="object-storage/s3"';

/** What each engine tells of itself. */
const ENGINES: Readonly<Record<ObjectStorageDashboardProps['engine'], readonly Row[]>> = {
  external: [],
  minio: [
    row('State', [
      stat('Healthy', {
        about: 'Whether the server says it can read and write. 1 is good.',
        unit: 'none',
        bounds: { side: 'below', critical: 1 },
        queries: [now(`min(minio_cluster_health_status{${SERVER}})`)],
      }),
      stat('Used', {
        about: 'Share of the volume that is full. At the end nothing more is archived.',
        unit: 'percentunit',
        max: 1,
        bounds: NEARLY_FULL,
        queries: [
          now(
            `1 - min(minio_cluster_capacity_usable_free_bytes{${SERVER}} / minio_cluster_capacity_usable_total_bytes{${SERVER}})`,
          ),
        ],
        to: [see('capacity')],
      }),
      stat('Objects', {
        about: 'Objects in all buckets, as the last scan counted them.',
        unit: 'short',
        queries: [now(`max(minio_cluster_usage_object_total{${SERVER}})`)],
      }),
      stat('Data', {
        about: 'Bytes in all buckets, as the last scan counted them; former versions come on top.',
        unit: 'bytes',
        queries: [now(`max(minio_cluster_usage_total_bytes{${SERVER}})`)],
      }),
      stat('Drives offline', {
        about: 'Drives that are gone. None is good.',
        unit: 'none',
        bounds: NONE,
        queries: [now(`max(minio_cluster_drive_offline_total{${SERVER}})`)],
      }),
    ]),
    row('Space', [
      graph('Free', {
        about: 'Bytes left on the volume.',
        unit: 'bytes',
        queries: [series(`min(minio_cluster_capacity_usable_free_bytes{${SERVER}})`, 'free')],
        to: [see('capacity')],
      }),
      graph('Data', {
        about: 'Bytes in all buckets: growth without a bound is a bucket without expiry.',
        unit: 'bytes',
        queries: [series(`max(minio_cluster_usage_total_bytes{${SERVER}})`, 'data')],
        to: [see('capacity')],
      }),
    ]),
  ],
  seaweedfs: [
    row('State', [
      stat('Used', {
        about: 'Share of the volume that is full. At the end nothing more is archived.',
        unit: 'percentunit',
        max: 1,
        bounds: NEARLY_FULL,
        queries: [
          now(
            `sum(SeaweedFS_volumeServer_resource{${SERVER}, type="used"}) / sum(SeaweedFS_volumeServer_resource{${SERVER}, type="all"})`,
          ),
        ],
        to: [see('capacity')],
      }),
      stat('Requests', {
        about: 'S3 requests a second.',
        unit: 'reqps',
        queries: [now(`sum(rate(SeaweedFS_s3_request_total{${SERVER}}[5m]))`)],
      }),
      stat('Failed', {
        about: 'Share of requests that ended with 5xx.',
        unit: 'percentunit',
        bounds: above(0.001, 0.01),
        queries: [
          now(
            `(sum(rate(SeaweedFS_s3_request_total{${SERVER}, code=~"5.."}[5m])) or vector(0)) / sum(rate(SeaweedFS_s3_request_total{${SERVER}}[5m]))`,
          ),
        ],
      }),
      stat('Server up', {
        about: 'Whether it answers its scrape. 1 is good.',
        unit: 'none',
        bounds: below(1),
        queries: [now(`sum(up{${SERVER}})`)],
      }),
    ]),
    row('Requests', [
      graph('By kind', {
        about: 'S3 requests a second by kind.',
        unit: 'reqps',
        stacked: true,
        queries: [
          series(`sum by (type) (rate(SeaweedFS_s3_request_total{${SERVER}}[$__rate_interval]))`, '{{type}}'),
        ],
      }),
      graph('By answer', {
        about: '403 is a client with wrong keys or rights, 404 is usual for some clients, 5xx is the server.',
        unit: 'reqps',
        queries: [
          series(
            `sum by (code) (rate(SeaweedFS_s3_request_total{${SERVER}, code!~"2.."}[$__rate_interval]))`,
            '{{code}}',
          ),
        ],
      }),
      table('Buckets', {
        about: 'Requests by bucket in an hour.',
        unit: 'none',
        decimals: 0,
        queries: [rows(`sum by (bucket) (increase(SeaweedFS_s3_request_total{${SERVER}}[1h]))`)],
        columns: { bucket: 'Bucket', Value: 'Requests' },
      }),
    ]),
  ],
};
