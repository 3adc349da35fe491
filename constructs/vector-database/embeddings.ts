import { Construct } from 'constructs';
import { Deployment, PodDisruptionBudget } from '../../imports/k8s';
import { Connections } from '../platform/connections';
import { objectName } from '../platform/names';
import {
  NOBODY,
  oneAtATime,
  Resources,
  RESTRICTED,
  resources,
  restrictedPod,
  spread,
  Spreading,
  withoutToken,
} from '../platform/pod';

export interface EmbeddingsProps {
  /** Image of the inference server with its model inside, with an exact tag or a digest. */
  readonly image: string;
  /** CPU and memory of one replica. The smallest models need 512Mi: the runtime is larger than the weights. */
  readonly resources: Resources;
  /**
   * Replicas; they share nothing.
   * @default 2
   */
  readonly replicas?: number;
  /**
   * Whether replicas must be in different zones or may share one.
   * @default 'required'
   */
  readonly spreading?: Spreading;
}

/**
 * Turns texts into vectors. The server has neither TLS nor, as it is used here, passwords: only the database may reach it.
 *
 * @example
 * const embeddings = new Embeddings(namespace, 'embeddings', { image, resources: { cpu: '1', memory: '1Gi' } });
 */
export class Embeddings extends Construct {
  readonly connections = new Connections(this, { name: 'transformers-inference', component: 'embeddings' });
  /** Plain HTTP. */
  readonly endpoint = this.connections.listen('http', 8080);

  constructor(scope: Construct, id: string, props: EmbeddingsProps) {
    super(scope, id);
    const { image, resources: size, replicas = 2, spreading = 'required' } = props;
    if (!Number.isInteger(replicas) || replicas < 1) {
      throw new Error(
        `${this.node.path}: replicas must be a whole number of at least 1, got ${replicas}; write for example 2`,
      );
    }
    const name = objectName(this);
    const account = withoutToken(this);
    const probe = (path: string) => ({ httpGet: { path, port: this.endpoint.name }, timeoutSeconds: 5 });
    new Deployment(this, 'Resource', {
      spec: {
        replicas,
        strategy: oneAtATime(replicas),
        selector: { matchLabels: this.connections.labels },
        template: {
          metadata: { labels: this.connections.podLabels },
          spec: {
            ...account,
            securityContext: restrictedPod(NOBODY),
            topologySpreadConstraints: spread(this.connections, spreading),
            terminationGracePeriodSeconds: 30,
            containers: [
              {
                name: 'inference',
                image,
                ports: this.connections.containerPorts(this.endpoint),
                env: [
                  // Everything it may want to write goes to /tmp; it must not ask the internet for models.
                  { name: 'HOME', value: '/tmp' },
                  { name: 'HF_HOME', value: '/tmp/huggingface' },
                  { name: 'HF_HUB_OFFLINE', value: '1' },
                  { name: 'TRANSFORMERS_OFFLINE', value: '1' },
                  { name: 'XDG_CACHE_HOME', value: '/tmp' },
                  { name: 'PYTHONDONTWRITEBYTECODE', value: '1' },
                  { name: 'ENABLE_CUDA', value: '0' },
                ],
                resources: resources(size),
                securityContext: RESTRICTED,
                // Ready means that the model is loaded; that may take minutes on a slow disk.
                startupProbe: { ...probe('/.well-known/ready'), periodSeconds: 5, failureThreshold: 120 },
                readinessProbe: { ...probe('/.well-known/ready'), periodSeconds: 5, failureThreshold: 3 },
                // Long: a server at work on a large batch answers late, and is not to be killed for it.
                livenessProbe: { ...probe('/.well-known/live'), periodSeconds: 20, failureThreshold: 6 },
                // Until endpoints know that it goes, it is still asked.
                lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
                volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
              },
            ],
            volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } }],
          },
        },
      },
    });
    if (replicas > 1) {
      new PodDisruptionBudget(this, 'Disruption', {
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: this.connections.labels } },
      });
    }
  }
}
