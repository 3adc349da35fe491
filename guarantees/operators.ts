import { OPERATORS } from '../constructs/platform-operators/operators';
import type { Platform, PlatformObject } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import { textsOf } from './texts';

/**
 * What an operator is told to ask can be asked: whoever listens at an address in an object that an operator's own pods act
 * on lets these in.
 */
export const operators: Guarantee = {
  name: 'operators',
  check: (platform) => {
    const asking = platform.objects.filter(({ manifest }) => manifest.kind in ASKED_BY);
    return {
      findings: asking.flatMap((object) => refused(object, platform)),
      facts: [{ subject: 'objects by which operators ask', figure: String(asking.length) }],
    };
  },
};

/** Kinds whose addresses an operator's own pods connect to, and the operator's namespace. */
export const ASKED_BY: Readonly<Record<string, string>> = {
  AnalysisTemplate: OPERATORS['argo-rollouts'].namespace,
  Issuer: OPERATORS['cert-manager'].namespace,
  ScaledObject: OPERATORS.keda.namespace,
  SecretStore: OPERATORS['external-secrets'].namespace,
};

function refused(object: PlatformObject, { connections }: Platform): Finding[] {
  const { kind, metadata } = object.manifest;
  const namespace = ASKED_BY[kind] ?? '';
  const endpoints = connections.flatMap((owner) => owner.endpoints.map((endpoint) => ({ owner, endpoint })));
  return textsOf(object.manifest)
    .flatMap(({ field, value }) =>
      [...value.matchAll(/https?:\/\/([\w.-]+:\d+)/g)].map(([, address]) => ({ field, address })),
    )
    .flatMap(({ field, address }) => {
      const found = endpoints.find(({ endpoint }) => endpoint.address === address);
      const peers = found ? [...(found.owner.clients.get(found.endpoint) ?? [])] : [];
      if (peers.some((peer) => peer.namespace === namespace)) return [];
      return {
        path: object.path,
        cause: `${kind} ${metadata.name}: ${field} names ${address}, ${found ? `which lets nobody of namespace ${namespace} in` : 'which belongs to no declared endpoint'}`,
        remedy: 'let the operator in: endpoint.owner.allowFrom(peer, endpoint)',
      };
    });
}
