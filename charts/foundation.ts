import { App } from 'cdk8s';
import type { Images } from '../config/images';
import type { Cluster, Environment } from '../config/schema';
import { CertificateAuthority } from '../constructs/certificate-authority';
import { PlatformNamespaces } from '../constructs/platform-namespaces';
import { PhaseChart } from './phase-chart';

/** What everything else stands on: trust, and the services that keep data. */
export function foundation(app: App, environment: Environment, cluster: Cluster, images: Images): PhaseChart {
  const chart = new PhaseChart(app, 'foundation');
  const namespaces = new PlatformNamespaces(chart, 'Namespaces');
  new CertificateAuthority(
    namespaces.existing('cert-manager'),
    'lighthouse',
    environment.certificateAuthority,
  );
  void cluster;
  void images;
  return chart;
}
