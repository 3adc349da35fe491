import { spec } from '../constructs/platform/workloads';
import type { CertificateSpec } from '../imports/cert-manager.io';
import type { TLSRouteSpec } from '../imports/gateway.networking.k8s.io';
import type { ServiceSpec } from '../imports/k8s';
import { type Inventory, inventoryOf, type PodSource } from '../synth/inventory';
import type { PlatformObject } from '../synth/platform';
import { identify, referencesOf } from '../synth/references';
import type { Finding, Guarantee } from './guarantee';
import { matches } from './policy';

/**
 * Who is led from a gateway arrives: at a port that the Service has, and at pods whose certificate has the name that was asked
 * for, for the gateway passes TLS through.
 */
export const routes: Guarantee = {
  name: 'routes',
  check: (platform) => {
    const inventory = inventoryOf(platform);
    const all = platform.objects.filter(({ manifest }) => manifest.kind === 'TLSRoute');
    return {
      findings: all.flatMap((route) => astray(route, inventory)),
      facts: [{ subject: 'routes from gateways', figure: String(all.length) }],
    };
  },
};

function astray({ path, manifest }: PlatformObject, inventory: Inventory): Finding[] {
  const { namespace, name: own } = manifest.metadata;
  const { hostnames, rules } = spec<TLSRouteSpec>(manifest);
  return rules
    .flatMap(({ backendRefs }) => backendRefs)
    .flatMap(({ name, port }) => {
      const service = inventory.objects.get(identify('Service', namespace, name));
      // That it is there is for the references to say.
      if (!service) return [];
      const { selector = {}, ports = [] } = spec<ServiceSpec>(service.manifest);
      const pods = inventory.pods.filter(
        (source) => source.namespace === namespace && matches(selector, source.workload.labels),
      );
      const subject = `TLSRoute ${namespace}/${own}`;
      const served = ports.map((each) => each.port);
      const nowhere = {
        path,
        cause: `${subject} leads to port ${port} of Service ${name}, which has ${served.join(', ') || 'none'}`,
        remedy: 'take the port from an endpoint that the pods listen on',
      };
      const unnamed = pods.flatMap((source) =>
        hostnames
          .filter((host) => !certified(source, inventory).includes(host))
          .map((host) => ({
            path,
            cause: `${subject} leads whoever asks for ${host} to ${source.object.manifest.kind} ${source.object.manifest.metadata.name}, whose certificate has no such name`,
            remedy: 'give the name to authority.issue(connections, secret, names)',
          })),
      );
      return [...(port !== undefined && served.includes(port) ? [] : [nowhere]), ...unnamed];
    });
}

/** The names in the certificates that pods mount. */
function certified({ object }: PodSource, { provided }: Inventory): string[] {
  return referencesOf(object.manifest).flatMap(({ to }) => {
    const by = provided.get(to)?.by.manifest;
    return by?.kind === 'Certificate' ? [...(spec<CertificateSpec>(by).dnsNames ?? [])] : [];
  });
}
