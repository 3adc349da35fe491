import { App } from 'cdk8s';
import type { Environment } from '../config/schema';
import { ObservabilityStack } from '../constructs/observability-stack';
import type { AlertmanagerProps } from '../constructs/observability-stack/alertmanager';
import { type Capacity, observeCapacity } from '../constructs/observability-stack/capacity/observe';
import type { RemoteWrite } from '../constructs/observability-stack/prometheus';
import { observePlatform, Plan } from '../constructs/observability-stack/observe';
import { bridgeAlerts, observeBridge } from '../constructs/bridge-with-fuse/observe';
import { observeEdge } from '../constructs/bridge-edge/observe';
import { observeObjectStorage } from '../constructs/object-storage/observe';
import { wholeDays } from '../constructs/platform/duration';
import { observePostgres } from '../constructs/postgres-cluster/observe';
import { observeRedis } from '../constructs/redis-sentinel/observe';
import { observeVault } from '../constructs/vault-mtls/observe';
import { observeVectorDatabase } from '../constructs/vector-database/observe';
import { parseQuantity } from '../constructs/platform/quantity';
import { ClusterStore } from '../constructs/platform/secret-source';
import type { Automation } from './automation';
import { showAll } from './dashboards';
import type { Foundation, Site } from './foundation';
import { grafanaSignOn } from './people';
import { PhaseChart } from './phase-chart';
import { sourceOf } from './secrets';

/** What runs the platform once it is there: whoever watches it, and whoever is told. */
export function operations(app: App, ground: Foundation, { bridge, edge }: Automation): PhaseChart {
  const chart = new PhaseChart(app, 'operations');
  const stack = observabilityStack(chart, ground);
  const { postgres, redis, objectStorage, vectorDatabase, embeddings, vault } = ground.services;
  observePostgres(stack, postgres);
  observeRedis(stack, 'cache', redis.cache);
  observeRedis(stack, 'sessions', redis.sessions);
  observeObjectStorage(stack, objectStorage);
  observeVectorDatabase(stack, vectorDatabase, embeddings);
  observeVault(stack, vault, ground.site.environment.vault.snapshots);
  observeCapacity(stack, capacityOf(ground));
  if (bridge) observeBridge(stack, bridge);
  if (edge) observeEdge(stack, edge);
  bridgeAlerts(stack);
  observePlatform(stack, planOf(ground.site));
  showAll(stack, ground, edge);
  return chart;
}

function planOf({ environment: { budgets, observability } }: Site): Plan {
  const { metrics, logs, traces, alerting } = observability;
  return {
    budgets,
    series: metrics.series,
    retentionDays: wholeDays(metrics.retention),
    logsPerDay: logs.perDay,
    spansPerSecond: traces.spansPerSecond,
    alertmanagers: alerting.alertmanagers,
  };
}

function observabilityStack(chart: PhaseChart, ground: Foundation): ObservabilityStack {
  const { site, observability } = ground;
  const { environment, cluster, images } = site;
  const { metrics, logs, traces, dashboards, alerting } = environment.observability;
  // Where members may share a zone there is one of each, and nothing to survive.
  const several = site.ground.spreading === 'required';
  return new ObservabilityStack(observability.namespace.continuedIn(chart), 'Default', {
    ...site.ground,
    images: {
      prometheus: images('prometheus'),
      alertmanager: images('alertmanager'),
      blackboxExporter: images('blackboxExporter'),
      kubeStateMetrics: images('kubeStateMetrics'),
      nodeExporter: images('nodeExporter'),
      loki: images('loki'),
      tempo: images('tempo'),
      collector: images('collector'),
      grafana: images('grafana'),
    },
    cluster: {
      labels: { environment: environment.environment, cluster: cluster.name },
      nodes: cluster.nodes.count,
      apiServer: site.ground.maker.apiServer,
      kubelets: { name: 'kubelets', ...cluster.kubelets },
      storageClass: cluster.storageClass,
    },
    metrics: {
      replicas: metrics.replicas,
      series: metrics.series,
      intervalSeconds: Number.parseInt(metrics.interval, 10),
      retentionDays: wholeDays(metrics.retention),
      ...(metrics.remoteWrite ? { remoteWrite: remoteWriteOf(metrics.remoteWrite) } : {}),
    },
    alerting: {
      replicas: alerting.alertmanagers,
      receivers: receiversOf(ground),
      maintenance: alerting.maintenance,
    },
    logs: {
      perDay: logs.perDay,
      replicas: several ? 3 : 1,
      bucket: observability.buckets.logs,
      retentionDays: { platform: wholeDays(logs.retention), bridge: wholeDays(logs.bridgeRetention) },
    },
    traces: {
      spansPerSecond: traces.spansPerSecond,
      gateways: several ? 2 : 1,
      bucket: observability.buckets.traces,
      retentionDays: wholeDays(traces.retention),
    },
    dashboards: {
      replicas: dashboards.replicas,
      domain: `grafana.${environment.domain}`,
      oidc: grafanaSignOn(environment),
    },
    runbooks: alerting.runbooks,
    agents: observability.agents.continuedIn(chart),
  });
}

type RemoteWriteTarget = NonNullable<Environment['observability']['metrics']['remoteWrite']>;

function remoteWriteOf({ host, port, cidr, path, secretStore, secretPath }: RemoteWriteTarget): RemoteWrite {
  const url = `https://${host}:${port}${path}`;
  return { url, range: { name: host, cidr, port }, source: new ClusterStore(secretStore), secretPath };
}

/** Whom alerts are sent to; where nobody is named, a pod prints them. */
function receiversOf({ site, services }: Foundation): AlertmanagerProps['receivers'] {
  const { receivers } = site.environment.observability.alerting;
  if (!receivers) return { kind: 'logged', image: site.images('python') };
  const { chat, page, deadMansSwitch, proxy, secretPath } = receivers;
  const reached = ({ kind, host, address }: typeof chat) => {
    const through = proxy ?? address;
    if (!through) throw new Error(`${host} must have an address where there is no proxy to it`);
    return { kind, range: { name: host, cidr: through.cidr, port: through.port } };
  };
  return {
    kind: 'outside',
    source: sourceOf(receivers, services.vault),
    secretPath,
    chat: reached(chat),
    page: reached(page),
    deadMansSwitch: reached(deadMansSwitch),
    ...(proxy ? { proxy: { name: proxy.host, cidr: proxy.cidr, port: proxy.port } } : {}),
  };
}

function capacityOf({ site, services }: Foundation): Capacity {
  const { budgets, postgres } = site.environment;
  return {
    memory: parseQuantity(budgets.memory),
    cores: parseQuantity(budgets.cpu),
    connections: services.postgres.budget.maxConnections,
    storage: parseQuantity(postgres.storage),
  };
}
