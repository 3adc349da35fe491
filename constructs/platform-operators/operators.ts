import type { Resources } from '../platform/pod';
import { TRUST_BUNDLE, TRUST_FILE } from '../platform/trust';

/** One upstream chart, and what the platform knows of what it installs. */
export interface OperatorChart {
  /** Helm repository. */
  readonly repository: string;
  readonly chart: string;
  /** Exact chart version. */
  readonly version: string;
  readonly namespace: string;
  /** API groups whose custom resources need it. */
  readonly groups: readonly string[];
  /** Operators that must be there before it. */
  readonly needs: readonly string[];
  /** Whether its pods look at something with the platform's roots, which then come to its namespace. */
  readonly trusts?: true;
  /** What all its pods together reserve; `values` hands out the same. */
  readonly requests: Resources;
  /** Only what must differ from the chart's defaults. */
  readonly values: Readonly<Record<string, unknown>>;
}

const reserve = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { memory } });

const off = { enabled: false };

/**
 * The operators behind the custom resources in use. Charts, not manifests: their custom resource definitions and
 * webhooks are upgraded together, by their own authors' rules.
 */
export const OPERATORS = {
  'cert-manager': {
    repository: 'https://charts.jetstack.io',
    chart: 'cert-manager',
    version: 'v1.21.1',
    namespace: 'cert-manager',
    groups: ['cert-manager.io'],
    needs: [],
    requests: { cpu: '40m', memory: '192Mi' },
    values: {
      crds: { enabled: true, keep: true },
      // Its Role for leader election would otherwise lie in kube-system, where this project may not write.
      global: { leaderElection: { namespace: 'cert-manager' } },
      resources: reserve('20m', '64Mi'),
      webhook: { resources: reserve('10m', '64Mi') },
      cainjector: { resources: reserve('10m', '64Mi') },
    },
  },
  'trust-manager': {
    repository: 'https://charts.jetstack.io',
    chart: 'trust-manager',
    version: 'v0.24.0',
    namespace: 'cert-manager',
    groups: ['trust.cert-manager.io'],
    needs: ['cert-manager'],
    requests: { cpu: '10m', memory: '64Mi' },
    values: {
      // The database takes trust from Secrets only; nothing but this one may be written.
      secretTargets: { enabled: true, authorizedSecrets: ['lighthouse-trust'] },
      resources: reserve('10m', '64Mi'),
    },
  },
  'cloudnative-pg': {
    repository: 'https://cloudnative-pg.github.io/charts',
    chart: 'cloudnative-pg',
    version: '0.29.0',
    namespace: 'cnpg-system',
    groups: ['postgresql.cnpg.io'],
    needs: [],
    requests: { cpu: '20m', memory: '128Mi' },
    values: { resources: reserve('20m', '128Mi') },
  },
  'barman-cloud': {
    repository: 'https://cloudnative-pg.github.io/charts',
    chart: 'plugin-barman-cloud',
    version: '0.7.1',
    namespace: 'cnpg-system',
    groups: ['barmancloud.cnpg.io'],
    needs: ['cert-manager', 'cloudnative-pg'],
    requests: { cpu: '10m', memory: '64Mi' },
    values: { resources: reserve('10m', '64Mi') },
  },
  'prometheus-operator': {
    repository: 'https://prometheus-community.github.io/helm-charts',
    chart: 'kube-prometheus-stack',
    version: '88.5.4',
    // Not where it makes its pods: the policies of that namespace would cut it off from the API server.
    namespace: 'prometheus-operator',
    groups: ['monitoring.coreos.com'],
    needs: [],
    requests: { cpu: '20m', memory: '128Mi' },
    // The operator and its definitions alone: what it runs is declared by this platform, not by the chart.
    values: {
      defaultRules: { create: false },
      alertmanager: off,
      grafana: off,
      prometheus: off,
      kubeStateMetrics: off,
      nodeExporter: off,
      kubeApiServer: off,
      kubelet: off,
      kubeControllerManager: off,
      coreDns: off,
      kubeEtcd: off,
      kubeScheduler: off,
      kubeProxy: off,
      prometheusOperator: {
        // Kubelets belong to no Service; the operator keeps one where whoever scrapes them may look for it.
        kubeletService: { enabled: true, namespace: 'observability', name: 'kubelet' },
        resources: reserve('20m', '128Mi'),
      },
    },
  },
  'external-secrets': {
    repository: 'https://charts.external-secrets.io',
    chart: 'external-secrets',
    version: '2.9.0',
    namespace: 'external-secrets',
    groups: ['external-secrets.io'],
    needs: [],
    requests: { cpu: '30m', memory: '192Mi' },
    values: {
      resources: reserve('10m', '64Mi'),
      webhook: { resources: reserve('10m', '64Mi') },
      certController: { resources: reserve('10m', '64Mi') },
    },
  },
  'argo-rollouts': {
    repository: 'https://argoproj.github.io/argo-helm',
    chart: 'argo-rollouts',
    version: '2.41.1',
    namespace: 'argo-rollouts',
    groups: ['argoproj.io'],
    needs: [],
    trusts: true,
    requests: { cpu: '20m', memory: '128Mi' },
    values: {
      controller: {
        replicas: 1,
        resources: reserve('20m', '128Mi'),
        // Its analyses ask Prometheus over TLS; it knows no other way to be told whom to trust.
        extraEnv: [{ name: 'SSL_CERT_FILE', value: `/trust/${TRUST_FILE}` }],
        volumes: [{ name: 'trust', configMap: { name: TRUST_BUNDLE, optional: true } }],
        volumeMounts: [{ name: 'trust', mountPath: '/trust', readOnly: true }],
      },
    },
  },
  keda: {
    repository: 'https://kedacore.github.io/charts',
    chart: 'keda',
    version: '2.19.0',
    namespace: 'keda',
    groups: ['keda.sh'],
    needs: [],
    requests: { cpu: '60m', memory: '384Mi' },
    values: {
      // The names of the last two are unverified: this version's chart could not be read as a whole.
      resources: {
        operator: reserve('20m', '128Mi'),
        metricServer: reserve('20m', '128Mi'),
        webhooks: reserve('20m', '128Mi'),
      },
    },
  },
} as const satisfies Readonly<Record<string, OperatorChart>>;

export type OperatorName = keyof typeof OPERATORS;

/** An operator's chart by name. */
export function operatorChart(name: OperatorName): OperatorChart {
  return OPERATORS[name];
}

export const OPERATOR_NAMES = Object.keys(OPERATORS) as readonly OperatorName[];

/** The operators among some that a set of API groups needs, and those that they need in turn. */
export function operatorsFor(groups: ReadonlySet<string>): OperatorName[] {
  const direct = OPERATOR_NAMES.filter((name) =>
    operatorChart(name).groups.some((group) => groups.has(group)),
  );
  const indirect = direct.flatMap((name) => operatorChart(name).needs);
  return OPERATOR_NAMES.filter((name) => direct.includes(name) || indirect.includes(name));
}
