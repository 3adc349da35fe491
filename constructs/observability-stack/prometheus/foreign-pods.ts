import { Construct } from 'constructs';
import { Endpoint, Listener } from '../../platform/endpoint';

/** Pods that somebody else installs and that serve metrics at `/metrics`, without TLS. */
export class ForeignPods {
  constructor(
    readonly namespace: string,
    /** What it is called here: the second half of `job`. */
    readonly name: string,
    /** Labels that select the pods. */
    readonly labels: Readonly<Record<string, string>>,
    /** A port that the container declares: others are not found. */
    readonly port: number,
    /** Names of the metrics that rules and dashboards read, as regular expressions; all others are dropped. */
    readonly kept: readonly string[],
  ) {}

  /**
   * The port as policies see it. Whom these pods let in is for whoever installs them to say.
   * @param construct who looks at it
   */
  endpoint(construct: Construct): Endpoint {
    const { namespace, labels, name, port } = this;
    const owner: Listener = { construct, namespace, labels, allowFrom: () => undefined };
    return new Endpoint(owner, 'metrics', port, `${name}.${namespace}`);
  }
}

/**
 * The controller of cert-manager: Deployment of its chart (deploy/charts/cert-manager/templates/deployment.yaml, v1.21.1),
 * which makes no policies unless it is told to. Whatever its release is called, where the cluster had it before.
 */
export const CERT_MANAGER = new ForeignPods(
  'cert-manager',
  'cert-manager',
  { 'app.kubernetes.io/name': 'cert-manager', 'app.kubernetes.io/component': 'controller' },
  9402,
  ['certmanager_certificate_(expiration|renewal)_timestamp_seconds', 'certmanager_certificate_ready_status'],
);

/**
 * The controller of Argo CD, which knows all Applications: its StatefulSet (manifests/base/application-controller, v3.5.7),
 * whose own policy lets every namespace in to this port. Argo CD's other parts serve nothing that is read here; whether
 * they run, Kubernetes tells.
 */
export const ARGO_CD = new ForeignPods(
  'argocd',
  'application-controller',
  { 'app.kubernetes.io/name': 'argocd-application-controller' },
  8082,
  ['argocd_app_info', 'argocd_app_sync_total', 'argocd_app_reconcile_(bucket|sum|count)'],
);
