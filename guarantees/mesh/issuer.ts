import { spec } from '../../constructs/platform/workloads';
import { OPERATORS } from '../../constructs/platform-operators/operators';
import { inventoryOf } from '../../synth/inventory';
import type { Platform } from '../../synth/platform';
import type { Finding } from '../guarantee';
import type { ApplicationSpec } from './world';

/** The issuer that signs for the mesh, where the platform does not make it. */
export function unissued(platform: Platform): Finding[] {
  const { provided } = inventoryOf(platform);
  return platform.objects.flatMap(({ path, manifest }) => {
    if (manifest.kind !== 'Application') return [];
    const { source } = spec<ApplicationSpec>(manifest);
    if (source?.chart !== OPERATORS['istio-csr'].chart) return [];
    const values = source.helm?.valuesObject as (typeof OPERATORS)['istio-csr']['values'];
    const { kind, name } = values.app.certmanager.issuer;
    if (provided.has(`${kind}/${name}`)) return [];
    return {
      path,
      cause: `${kind} ${name}, which signs for the mesh, is made by nobody`,
      remedy: 'name the issuer of the certificate authority',
    };
  });
}
