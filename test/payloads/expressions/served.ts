import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../../constructs/platform/manifest';
import type { Platform } from '../../../synth/platform';
import type { Selector } from '../alerts/promql';

const FOLDER = join(__dirname, '..', '..', '..', 'constructs', 'observability-stack', 'metrics');

/** List of metrics → `job` of the scrapes that read them. */
const JOBS: Readonly<Record<string, RegExp>> = {
  alertmanager: /^observability\/alertmanager$/,
  'argo-cd': /^argocd\//,
  'blackbox-exporter': /^(observability\/blackbox|probe)$/,
  bridge: /^observability\/collector$/,
  cadvisor: /^kubelet$/,
  'cert-manager': /^cert-manager\//,
  'cloudnative-pg': /^postgres\/events$/,
  coredns: /^coredns$/,
  grafana: /^observability\/grafana$/,
  haproxy: /^(redis\/(cache|sessions)|bridge\/edge)$/,
  'kube-apiserver': /^kube-apiserver$/,
  'kube-state-metrics': /^observability\/kube-state-metrics$/,
  kubelet: /^kubelet$/,
  // What all of Kubernetes' components know, to look up in: not what one of them serves.
  kubernetes: /(?!)/,
  logs: /^node-agents\/collector$/,
  loki: /^observability\/loki$/,
  minio: /^object-storage\/s3$/,
  'node-exporter': /^node-agents\/node-exporter$/,
  otelcol: /^(observability|node-agents)\/collector$/,
  pgbouncer: /^postgres\/events-pool$/,
  prometheus: /^observability\/prometheus$/,
  'redis-exporter': /^redis\/(cache|sessions)-members$/,
  tempo: /^observability\/tempo$/,
  vault: /^vault\/vault-members$/,
  weaviate: /^vector-database\/weaviate-members$/,
};

/** Series that Prometheus makes of every scrape, and of alerts. */
const OWN = ['up', 'scrape_duration_seconds', 'scrape_samples_post_metric_relabeling', 'ALERTS'];

/** Labels that the scrape adds, or the probe. */
const TARGET = ['job', 'instance', 'namespace', 'pod', 'container', 'endpoint', 'service', 'metrics_path'];

/** Metric → the labels that its list gives it, of its exporter's own. */
type List = ReadonlyMap<string, ReadonlySet<string>>;

/** The lists, by name. */
export function lists(): ReadonlyMap<string, List> {
  const names = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
  return new Map(
    names.map((name) => {
      const lines = readFileSync(join(FOLDER, `${name}.txt`), 'utf8').split('\n');
      const metrics = lines.filter((line) => line !== '' && !line.startsWith('#'));
      return [
        name,
        new Map(
          metrics.map((line) => {
            const [metric = '', labels = ''] = line.split(/[{}]/);
            return [metric, new Set(labels.split(','))];
          }),
        ),
      ];
    }),
  );
}

interface Monitored {
  readonly podMetricsEndpoints?: readonly Scraped[];
  readonly endpoints?: readonly Scraped[];
  readonly jobLabel?: string;
  readonly jobName?: string;
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}

interface Scraped {
  readonly metricRelabelings?: readonly {
    readonly sourceLabels?: readonly string[];
    readonly regex?: string;
    readonly action?: string;
  }[];
}

/** What a platform scrapes: `job` → whether a metric that is served there is kept. */
export function scrapes({ objects }: Platform): ReadonlyMap<string, (metric: string) => boolean> {
  const all = objects.flatMap(({ manifest }) =>
    /^(PodMonitor|ServiceMonitor|Probe)$/.test(manifest.kind) ? [scrape(manifest)] : [],
  );
  return new Map(all);
}

function scrape({ metadata, ...manifest }: Manifest): [string, (metric: string) => boolean] {
  const spec = manifest['spec'] as Monitored;
  const labelled = spec.selector?.matchLabels?.[spec.jobLabel ?? ''];
  const endpoints = spec.podMetricsEndpoints ?? spec.endpoints ?? [{}];
  return [
    spec.jobName ?? labelled ?? `${metadata.namespace}/${metadata.name}`,
    (metric) => endpoints.some((endpoint) => isKept(metric, endpoint)),
  ];
}

/** Rules of other labels are none about names. */
function isKept(metric: string, { metricRelabelings = [] }: Scraped): boolean {
  return metricRelabelings
    .filter(({ sourceLabels }) => sourceLabels?.join() === '__name__')
    .every(({ regex = '.*', action }) => {
      const matches = new RegExp(`^(?:${regex})$`).test(metric);
      return action === 'keep' ? matches : action === 'drop' ? !matches : true;
    });
}

/** Who serves what in a platform. */
export class Served {
  private readonly scrapes: ReadonlyMap<string, (metric: string) => boolean>;

  constructor(
    private readonly known: ReadonlyMap<string, List>,
    platform: Platform,
  ) {
    this.scrapes = scrapes(platform);
  }

  /** Scrapes without a list of what they read. */
  get unlisted(): string[] {
    return [...this.scrapes.keys()].filter((job) => !Object.values(JOBS).some((jobs) => jobs.test(job)));
  }

  /** Why a selector can find nothing here; undefined where it can. */
  complaint({ name, matchers }: Selector): string | undefined {
    if (OWN.includes(name)) return undefined;
    const found = [...this.known].filter(([, list]) => list.has(name));
    if (found.length === 0) return `${name || 'a selector without a name'} is in no list`;
    const readers = found.filter(([list]) => this.jobs(list, name).length > 0);
    if (readers.length === 0) return `${name} (${found.map(([list]) => list).join(', ')}) is not scraped`;
    const jobs = readers.flatMap(([list]) => this.jobs(list, name));
    const job = matchers.find(({ label }) => label === 'job');
    if (job && !jobs.some((each) => isMatched(each, job))) {
      return `${name}{job${job.op}"${job.value}"}: it is ${jobs.join(', ')}`;
    }
    const labels = new Set(readers.flatMap(([, list]) => [...(list.get(name) ?? [])]));
    const foreign = matchers.filter(({ label }) => !TARGET.includes(label) && !labels.has(label));
    if (foreign.length === 0) return undefined;
    return `${name} has no label ${foreign.map(({ label }) => label).join(', ')}, but ${[...labels].join(', ')}`;
  }

  private jobs(list: string, metric: string): string[] {
    return [...this.scrapes].flatMap(([job, keeps]) => (JOBS[list]?.test(job) && keeps(metric) ? [job] : []));
  }
}

function isMatched(text: string, { op, value }: Selector['matchers'][number]): boolean {
  const equal = op.endsWith('~') ? new RegExp(`^(?:${value})$`).test(text) : text === value;
  return op.startsWith('!') ? !equal : equal;
}

/** Lists that say nobody who serves what is in them. */
export function strays(known: ReadonlyMap<string, unknown>): string[] {
  return [...known.keys()].filter((name) => !(name in JOBS));
}
