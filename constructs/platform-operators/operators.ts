import type { Resources } from '../platform/pod';
import { MESH_NAMESPACE } from '../platform/mesh';
import { ISSUER, TRUST_BUNDLE, TRUST_FILE } from '../platform/trust';

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
  /**
   * Repositories of the images that it puts into pods of the platform.
   * @default - none
   */
  readonly injects?: readonly string[];
  /** Whether its pods look at something with the platform's roots, which then come to its namespace. */
  readonly trusts?: true;
  /** Whether it needs what the platform makes, an issuer for instance: it then comes after the first phase. */
  readonly isLate?: true;
  /** Why no Pod Security level below `privileged` will do for its pods; its namespace then says so. */
  readonly privileged?: string;
  /** Whether it runs a pod on every node: `requests` are then those of one. */
  readonly isOnEveryNode?: true;
  /** What all its pods together reserve; `values` hands out the same. */
  readonly requests: Resources;
  /** Only what must differ from the chart's defaults. */
  readonly values: Readonly<Record<string, unknown>>;
}

const reserve = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { memory } });

const off = { enabled: false };

/** As far as that goes: a chart's pods must come up in one zone too. */
const overZones = (name: string, label = 'app') => [
  {
    topologyKey: 'topology.kubernetes.io/zone',
    maxSkew: 1,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { [label]: name } },
  },
];

/** What the charts of the mesh have in common. */
const ISTIO = {
  repository: 'https://istio-release.storage.googleapis.com/charts',
  version: '1.31.1',
  namespace: MESH_NAMESPACE,
} as const;

/** Where the mesh asks for certificates: the Service of istio-csr, named by its chart. */
const CSR_HOST = 'cert-manager-istio-csr.istio-csr.svc';

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
    // Its own, from which members of a database and of a pool copy its program at their start (pkg/specs/containers.go).
    injects: ['ghcr.io/cloudnative-pg/cloudnative-pg'],
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
    injects: ['ghcr.io/cloudnative-pg/plugin-barman-cloud-sidecar'],
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
    injects: ['quay.io/prometheus-operator/prometheus-config-reloader'],
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
  kyverno: {
    repository: 'https://kyverno.github.io/kyverno',
    chart: 'kyverno',
    version: '3.9.1',
    namespace: 'kyverno',
    groups: ['policies.kyverno.io'],
    needs: [],
    requests: { cpu: '200m', memory: '512Mi' },
    // What answers the API server alone, with a budget of its own where there are two: nothing is cleaned up, made or reported.
    values: {
      admissionController: {
        replicas: 2,
        topologySpreadConstraints: overZones('admission-controller', 'app.kubernetes.io/component'),
        container: { resources: reserve('100m', '256Mi') },
      },
      backgroundController: off,
      cleanupController: off,
      reportsController: off,
      features: { admissionReports: off },
    },
  },
  // The mesh. Nothing of it is asked by the API server at every change: what is declared was validated before it was printed,
  // and whatever stands still while it is down is not the cluster's configuration too.
  'istio-base': {
    ...ISTIO,
    chart: 'base',
    groups: ['security.istio.io'],
    needs: [],
    requests: { cpu: '0', memory: '0' },
    values: { defaultRevision: '' },
  },
  'istio-csr': {
    repository: 'https://charts.jetstack.io',
    chart: 'cert-manager-istio-csr',
    version: 'v0.17.0',
    // Not the mesh's own: the roots come to namespaces of the platform alone, where nobody is privileged.
    namespace: 'istio-csr',
    groups: ['security.istio.io'],
    needs: ['cert-manager', 'trust-manager', 'istio-base'],
    isLate: true,
    trusts: true,
    requests: { cpu: '20m', memory: '128Mi' },
    values: {
      replicaCount: 2,
      topologySpreadConstraints: overZones('cert-manager-istio-csr'),
      podDisruptionBudget: { enabled: true, minAvailable: 1 },
      resources: reserve('10m', '64Mi'),
      volumes: [{ name: 'trust', configMap: { name: TRUST_BUNDLE } }],
      volumeMounts: [{ name: 'trust', mountPath: '/trust', readOnly: true }],
      app: {
        certmanager: {
          namespace: ISTIO.namespace,
          issuer: { name: ISSUER, kind: 'ClusterIssuer', group: 'cert-manager.io' },
        },
        tls: {
          // Roots of every generation, from the bundle: whom the mesh trusts is not for whoever signs to say.
          rootCAFile: `/trust/${TRUST_FILE}`,
          certificateDNSNames: [CSR_HOST],
          istiodPrivateKeyAlgorithm: 'ECDSA',
          istiodPrivateKeySize: 256,
        },
        server: {
          // Renewed at half of it: so long may the issuer be away, and so long is a stolen key good for at the most.
          maxCertificateDuration: '6h',
          caTrustedNodeAccounts: `${ISTIO.namespace}/ztunnel`,
        },
      },
    },
  },
  istiod: {
    ...ISTIO,
    chart: 'istiod',
    groups: ['security.istio.io'],
    needs: ['istio-base', 'istio-csr'],
    isLate: true,
    requests: { cpu: '200m', memory: '512Mi' },
    values: {
      profile: 'ambient',
      global: { caAddress: `${CSR_HOST}:443`, configValidation: false },
      env: { ENABLE_CA_SERVER: 'false' },
      autoscaleEnabled: false,
      replicaCount: 2,
      topologySpreadConstraints: overZones('istiod'),
      resources: reserve('100m', '256Mi'),
    },
  },
  'istio-cni': {
    ...ISTIO,
    chart: 'cni',
    groups: ['security.istio.io'],
    needs: ['istio-base', 'istio-csr'],
    isLate: true,
    isOnEveryNode: true,
    privileged:
      'it puts its plugin into the folders of the node and changes what leaves and enters the network namespaces of pods',
    requests: { cpu: '20m', memory: '128Mi' },
    values: {
      profile: 'ambient',
      // Names are looked up where policies expect it, by the pods themselves.
      ambient: { dnsCapture: false },
      resources: reserve('20m', '128Mi'),
    },
  },
  ztunnel: {
    ...ISTIO,
    chart: 'ztunnel',
    groups: ['security.istio.io'],
    needs: ['istio-base', 'istio-csr'],
    isLate: true,
    isOnEveryNode: true,
    privileged: 'it listens inside the network namespaces of the pods of its node',
    requests: { cpu: '100m', memory: '192Mi' },
    values: { caAddress: `${CSR_HOST}:443`, resources: reserve('100m', '192Mi') },
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
