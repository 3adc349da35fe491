import { Access } from '../constructs/access';
import { SignOnSecret } from '../constructs/argo-cd/sign-on';
import { namespaceAround } from '../constructs/platform/names';
import { ClusterStore } from '../constructs/platform/secret-source';
import { PlatformNamespace, PlatformNamespaces } from '../constructs/platform-namespaces';
import type { Foundation } from './foundation';

/**
 * What people may do. Comes after everything that makes a namespace of the foundation.
 * @param reading where people read events; undefined where they do not
 */
export function access(
  { chart, site, services, bridge, observability }: Foundation,
  reading: PlatformNamespace | undefined,
): void {
  const { access: people } = site.environment;
  if (!people) return;
  const all = chart.node.findAll().filter((node) => node instanceof PlatformNamespace);
  const namespaces = new PlatformNamespaces(chart, 'People', { mesh: site.environment.mesh?.mode });
  const argocd = namespaces.existing('argocd');
  new Access(namespaces.add('access'), 'people', {
    groups: people.groups,
    namespaces: all,
    places: {
      bridge: bridge.namespace,
      observability: observability.namespace,
      argocd,
      ...(reading ? { reading } : {}),
      vault: namespaceAround(services.vault),
    },
  });
  const { identityProvider } = people;
  if (!identityProvider) return;
  const { secretStore, secretPath } = identityProvider;
  new SignOnSecret(argocd, 'sign-on', {
    source: new ClusterStore(secretStore),
    secretPath: `${secretPath}/argocd`,
  });
}
