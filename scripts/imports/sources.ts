/** Where schemas come from: one pinned, checksummed archive per family. To update one, change it here and import. */

/** The package with the JSON schemas of Kubernetes' own kinds, every minor version in one archive. */
export const KUBERNETES = {
  name: 'kubernetes-validate',
  version: '1.37.0',
  sha256: '85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9',
  folder: 'kubernetes_validate/kubernetes-json-schema',
  /** Versions the output must be valid for, oldest first; the types are the newest's. */
  supported: ['1.30.0', '1.31.0', '1.32.0', '1.33.0', '1.34.0', '1.35.0', '1.36.0', '1.37.0'],
  /** The kinds in use, by group and version. */
  kinds: {
    v1: [
      'ConfigMap',
      'LimitRange',
      'Namespace',
      'PersistentVolume',
      'PersistentVolumeClaim',
      'Pod',
      'ResourceQuota',
      'Secret',
      'Service',
      'ServiceAccount',
    ],
    'admissionregistration.k8s.io/v1': ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
    'apiextensions.k8s.io/v1': ['CustomResourceDefinition'],
    'apps/v1': ['DaemonSet', 'Deployment', 'StatefulSet'],
    'autoscaling/v2': ['HorizontalPodAutoscaler'],
    'batch/v1': ['CronJob', 'Job'],
    'networking.k8s.io/v1': ['Ingress', 'NetworkPolicy'],
    'policy/v1': ['PodDisruptionBudget'],
    'rbac.authorization.k8s.io/v1': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
    'scheduling.k8s.io/v1': ['PriorityClass'],
    'storage.k8s.io/v1': ['StorageClass'],
  },
} as const;

/** A Go module whose archive carries custom resource definitions. */
export interface CrdSource {
  readonly module: string;
  readonly version: string;
  /** Of the archive as the module proxy serves it. */
  readonly sha256: string;
  readonly folder: string;
  /** End of the names of the files with definitions, where the folder has older ones too: all of its YAML otherwise. */
  readonly file?: string;
  readonly group: string;
  /** Name of the file with types, where another source of the group has its own: that of the group otherwise. */
  readonly name?: string;
  readonly kinds: readonly string[];
}

/** The custom resources in use, one entry per API group and source. */
export const CUSTOM_RESOURCES: readonly CrdSource[] = [
  {
    module: 'github.com/argoproj/argo-cd/v3',
    version: 'v3.5.7',
    sha256: '6aada82ed8e05891df52ab2891a9e28345392a502653c439a4aaa325ff5b23cd',
    folder: 'manifests/crds',
    group: 'argoproj.io',
    kinds: ['Application', 'AppProject'],
  },
  {
    module: 'github.com/argoproj/argo-rollouts',
    version: 'v1.10.1',
    sha256: '133e2364c0c1ed3a50ebce7a4e98e7846410284ff88819a7f4a1bb1fcf250499',
    folder: 'manifests/crds',
    group: 'argoproj.io',
    name: 'rollouts.argoproj.io',
    kinds: ['Rollout', 'AnalysisTemplate'],
  },
  {
    module: 'k8s.io/autoscaler/vertical-pod-autoscaler',
    version: 'v1.5.1',
    sha256: '49d30b17a7fec4e65c8d51bd98d3614c1dae49aba1846b81824ebc2fdcbeaa15',
    folder: 'deploy',
    file: 'vpa-v1-crd-gen.yaml',
    group: 'autoscaling.k8s.io',
    kinds: ['VerticalPodAutoscaler'],
  },
  {
    module: 'github.com/cloudnative-pg/plugin-barman-cloud',
    version: 'v0.14.0',
    sha256: '6bc4e2a7ed95cc897fe13b856c059334237a06220aae0b58998beb4ec6d55b03',
    folder: 'config/crd/bases',
    group: 'barmancloud.cnpg.io',
    kinds: ['ObjectStore'],
  },
  {
    module: 'github.com/cert-manager/cert-manager',
    version: 'v1.21.2',
    sha256: 'cfaf1fb53965a5fd60490861387b7dbf34cd40987c878a4f1e247f836eef4782',
    folder: 'deploy/crds',
    group: 'cert-manager.io',
    kinds: ['Certificate', 'Issuer', 'ClusterIssuer'],
  },
  {
    module: 'github.com/external-secrets/external-secrets',
    version: 'v1.3.2',
    sha256: 'ff62f532fe5bbce8e749b41b46294ed6dddff86c9560c200c6304f7ef660e342',
    folder: 'config/crds/bases',
    group: 'external-secrets.io',
    kinds: ['ExternalSecret', 'SecretStore', 'ClusterSecretStore'],
  },
  {
    module: 'sigs.k8s.io/gateway-api',
    version: 'v1.6.3',
    sha256: '7c5d0a931d6ffb3e08ac4d5318969faaa6acf25a40ad13cc5978c22117e9b64b',
    folder: 'config/crd/standard',
    file: 'tlsroutes.yaml',
    group: 'gateway.networking.k8s.io',
    kinds: ['TLSRoute'],
  },
  {
    module: 'github.com/kedacore/keda/v2',
    version: 'v2.21.0',
    sha256: '74b59fe16144250748b716d6dc8789dee52d26164daab732145bed60456013a4',
    folder: 'config/crd/bases',
    group: 'keda.sh',
    kinds: ['ScaledObject', 'TriggerAuthentication'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    sha256: '0bdb88ed823d0f2e86cf909638439b6ad1da744a228172c7411d9987527dc5d1',
    folder: 'example/prometheus-operator-crd',
    group: 'monitoring.coreos.com',
    kinds: ['Alertmanager', 'PodMonitor', 'Probe', 'Prometheus', 'PrometheusRule', 'ServiceMonitor'],
  },
  {
    module: 'github.com/kyverno/kyverno',
    version: 'v1.19.1',
    sha256: 'e9d374f6904c4b39de932ad7ade582e90159f520dbb27337415639f5ae2c73bf',
    folder: 'config/crds/policies.kyverno.io',
    file: 'policies.kyverno.io_imagevalidatingpolicies.yaml',
    group: 'policies.kyverno.io',
    kinds: ['ImageValidatingPolicy'],
  },
  {
    module: 'github.com/cloudnative-pg/cloudnative-pg',
    version: 'v1.30.0',
    sha256: '68fad0cf2253cc940f24fe38f358dd2ee5a25a8fbc7d5189bddfc23b3f55fb0d',
    folder: 'config/crd/bases',
    group: 'postgresql.cnpg.io',
    kinds: ['Cluster', 'Pooler', 'Database', 'DatabaseRole', 'Backup', 'ScheduledBackup', 'ImageCatalog'],
  },
  {
    module: 'istio.io/api',
    version: 'v1.31.1',
    sha256: '161774477eaf22cf661d19213b61e6d420d87a459472b0cbbd4601800f8371db',
    folder: 'kubernetes',
    file: 'customresourcedefinitions.gen.yaml',
    group: 'security.istio.io',
    kinds: ['AuthorizationPolicy', 'PeerAuthentication'],
  },
  {
    module: 'github.com/cert-manager/trust-manager',
    version: 'v0.25.0',
    sha256: '3b57072b647f1404fe317749c565a06569e7faad4c4f700d0d84df0ff0cf6bad',
    folder: 'deploy/crds',
    group: 'trust.cert-manager.io',
    kinds: ['Bundle'],
  },
];
