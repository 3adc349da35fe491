import type { App } from 'cdk8s';
import { ImageSignatures } from '../constructs/image-signatures';
import { RegistryLogin } from '../constructs/image-signatures/registry-login';
import { imageReference } from '../constructs/platform/image';
import { ClusterStore } from '../constructs/platform/secret-source';
import { type ExistingNamespace, PlatformNamespaces } from '../constructs/platform-namespaces';
import { OPERATORS } from '../constructs/platform-operators/operators';
import type { Foundation } from './foundation';
import { breakGlassOf } from './people';
import { PhaseChart } from './phase-chart';

/**
 * What a program in the cluster is asked before something is made. A phase of its own: nothing in it can be applied while that
 * program is away, and all else must.
 */
export function validation(app: App, { site: { environment, images } }: Foundation): PhaseChart {
  const chart = new PhaseChart(app, 'validation');
  const { signatures } = environment;
  if (!signatures) return chart;
  const kyverno = new PlatformNamespaces(chart, 'Namespaces').existing(OPERATORS.kyverno.namespace);
  const { images: names, publicKeys, login } = signatures;
  const all = {
    platform: chart.node.root,
    publicKeys,
    ...(login ? { login: registryLogin(kyverno, login) } : {}),
    breakGlass: breakGlassOf(environment),
  };
  for (const name of names)
    new ImageSignatures(chart, `Signatures-${name}`, {
      ...all,
      repository: imageReference(images(name)).repository,
    });
  return chart;
}

function registryLogin(
  kyverno: ExistingNamespace,
  { secretStore, secretPath }: Record<'secretStore' | 'secretPath', string>,
): RegistryLogin {
  return new RegistryLogin(kyverno, 'image-registry', { source: new ClusterStore(secretStore), secretPath });
}
