import { join } from 'node:path';
import { Construct } from 'constructs';
import {
  ClusterRoleBinding,
  Container,
  EnvVar,
  PodDisruptionBudget,
  Service,
  ServiceAccount,
  StatefulSet,
} from '../../imports/k8s';
import { TlsSecret, TRUST_FILE, trustVolume } from '../certificate-authority';
import { ConfigFiles, renderPayload } from '../platform/config-files';
import { Connections } from '../platform/connections';
import { CLUSTER_DOMAIN, Endpoint } from '../platform/endpoint';
import { namespaceOf, objectName } from '../platform/names';
import type { AddressRange } from '../platform/peer';
import {
  dataClaim,
  Resources,
  RESTRICTED,
  resources,
  restrictedPod,
  spread,
  Spreading,
} from '../platform/pod';
import { admission } from './admission';
import type { OutsideKey } from './seal';

export interface MembersProps {
  readonly image: string;
  readonly members: number;
  readonly resources: Resources;
  readonly storage: string;
  readonly storageClass?: string;
  readonly spreading: Spreading;
  /** The Kubernetes API server, whom a member asks whose a service account's token is. */
  readonly apiServer: AddressRange;
  readonly issue: (connections: Connections) => TlsSecret;
  /** Opens members when they start; undefined where something in the cluster does. */
  readonly key?: OutsideKey;
  /** Whom members ask outside. */
  readonly outside: readonly AddressRange[];
}

/** User `vault` of the public image, and its group. */
const UID = 100;
const GID = 1000;

const HEALTH = '/v1/sys/health?standbyok=true&perfstandbyok=true';

/** The members of Vault: each a voter of the raft that keeps everything, encrypted. */
export class Members extends Construct {
  readonly connections = new Connections(this, { name: 'vault', component: 'secrets', service: 'headless' });
  /** HTTPS at members that are open. */
  readonly api: Endpoint;
  /** What members ask of each other before they are one, and metrics: the same API, for whoever needs a member by name. */
  readonly peer = this.connections.listen('peer', 8202, {
    metricsPath: '/v1/sys/metrics',
    metricsScheme: 'https',
  });
  readonly account: string;
  private readonly raft = this.connections.listen('raft', 8201);

  constructor(scope: Construct, id: string, props: MembersProps) {
    super(scope, id);
    const { members, key, outside } = props;
    const name = objectName(this);
    const clients = objectName(scope);
    const namespace = namespaceOf(this);
    this.api = this.connections.listen('https', 8200, {
      host: `${clients}.${namespace}.svc.${CLUSTER_DOMAIN}`,
    });
    if (members > 1) this.connections.allowTo(this.peer, this.raft);
    this.connections.allowToRange(props.apiServer);
    for (const range of outside) this.connections.allowToRange(range);

    const { labels, podLabels } = this.connections;
    new Service(this, 'Clients', {
      metadata: { name: clients },
      spec: {
        selector: labels,
        ports: [{ name: this.api.name, port: this.api.port, targetPort: this.api.name }],
      },
    });
    this.account = this.reviewer();
    const tls = props.issue(this.connections);
    const config = new ConfigFiles(
      this,
      'Config',
      __dirname,
      { 'admit.sh': {}, 'start.sh': {} },
      { 'vault.hcl': this.hcl(props), ...admission(namespace) },
    );
    new StatefulSet(this, 'Resource', {
      spec: {
        replicas: members,
        serviceName: this.connections.serviceName,
        // Only an open member is ready, and the first opens when a person has made the keys: the others must not wait for that.
        podManagementPolicy: 'Parallel',
        updateStrategy: { type: 'RollingUpdate' },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: podLabels },
          spec: {
            serviceAccountName: this.account,
            automountServiceAccountToken: true,
            enableServiceLinks: false,
            securityContext: restrictedPod(UID, GID),
            topologySpreadConstraints: spread(this.connections, props.spreading),
            // preStop, and what a leader takes to hand over.
            terminationGracePeriodSeconds: 30,
            containers: [this.container(props)],
            volumes: [
              config.volume('config'),
              tls.volume('tls'),
              trustVolume('trust'),
              ...(key?.volume ? [key.volume] : []),
            ],
          },
        },
        volumeClaimTemplates: dataClaim(props.storage, props.storageClass),
      },
    });
    if (members > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      });
    }
  }

  /** A service account that may ask the API server whose a token is. */
  private reviewer(): string {
    const { name } = new ServiceAccount(this, 'Account', {
      metadata: { name: objectName(this) },
      automountServiceAccountToken: false,
    });
    new ClusterRoleBinding(this, 'MayReview', {
      metadata: { name: `${namespaceOf(this)}-${objectName(this)}-token-review` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
      subjects: [{ kind: 'ServiceAccount', name, namespace: namespaceOf(this) }],
    });
    return name;
  }

  private hcl({ members, key }: MembersProps): string {
    const joins = Array.from({ length: members }, (_, ordinal) =>
      renderPayload(join(__dirname, 'join.hcl'), {
        HOST: this.connections.podHost(ordinal),
        PEER: this.peer.port,
        TRUST: `/trust/${TRUST_FILE}`,
      }),
    );
    const server = renderPayload(join(__dirname, 'vault.hcl'), {
      CLUSTER: `${namespaceOf(this)}-${objectName(this)}`,
      ADDRESS: '[::]',
      HTTPS: this.api.port,
      CLUSTER_PORT: this.raft.port,
      PEER: this.peer.port,
      TLS: '/tls',
      DATA: '/vault/data',
      JOIN: members > 1 ? joins.join('') : '',
      RETENTION: '10m',
    });
    return key ? `${server}\n${key.hcl}` : server;
  }

  private container({ image, resources: size, key }: MembersProps): Container {
    const probe = (path: string) => ({
      httpGet: { path, port: this.api.name, scheme: 'HTTPS' as const },
      timeoutSeconds: 5,
      periodSeconds: 5,
    });
    return {
      name: 'vault',
      image,
      command: ['sh', '/config/start.sh'],
      ports: this.connections.containerPorts(this.api, this.peer, this.raft),
      env: [...this.environment(), ...(key?.env ?? [])],
      resources: resources(size),
      securityContext: RESTRICTED,
      // A Vault that nobody has made keys for yet counts as ready: nobody can be its client, and nothing else is to wait for a
      // person. One that is sealed gets no clients.
      readinessProbe: { ...probe(`${HEALTH}&uninitcode=204`), failureThreshold: 2 },
      // Sealed or not: it lives. Killed it would be sealed again.
      livenessProbe: {
        ...probe(`${HEALTH}&uninitcode=204&sealedcode=204`),
        periodSeconds: 10,
        failureThreshold: 6,
      },
      startupProbe: { ...probe(`${HEALTH}&uninitcode=204&sealedcode=204`), failureThreshold: 60 },
      // Until endpoints know that it goes, it is still asked; then SIGTERM has a leader step down.
      lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
      volumeMounts: [
        { name: 'data', mountPath: '/vault/data' },
        { name: 'config', mountPath: '/config', readOnly: true },
        { name: 'tls', mountPath: '/tls', readOnly: true },
        { name: 'trust', mountPath: '/trust', readOnly: true },
        ...(key?.volume ? [{ name: 'seal', mountPath: '/seal', readOnly: true }] : []),
      ],
    };
  }

  private environment(): EnvVar[] {
    const self = `$(POD_NAME).${this.connections.host}`;
    return [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'VAULT_RAFT_NODE_ID', value: '$(POD_NAME)' },
      // Where a standby sends who wants a snapshot; everything else it hands on itself.
      { name: 'VAULT_API_ADDR', value: `https://${self}:${this.peer.port}` },
      { name: 'VAULT_CLUSTER_ADDR', value: `https://${self}:${this.raft.port}` },
      // For whoever works in the pod.
      { name: 'VAULT_ADDR', value: `https://${self}:${this.peer.port}` },
      { name: 'VAULT_CACERT', value: `/trust/${TRUST_FILE}` },
      { name: 'HOME', value: '/tmp' },
    ];
  }
}
