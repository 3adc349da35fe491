import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { Cluster } from '../cluster';
import { TEMPORARY } from '../temporary';

/** A certificate as an application would have, of the authority that the members have theirs from. */
export function certificateFor(manifests: readonly Manifest[], id: string, namespace: string): Manifest {
  const issued = manifests.find(
    ({ kind, metadata }) => kind === 'Certificate' && metadata.namespace === namespace,
  );
  if (!issued) throw new Error(`no certificate in namespace ${namespace} says who issues them`);
  const { issuerRef } = spec<{ issuerRef: unknown }>(issued);
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name: id, namespace, labels: { [TEMPORARY]: id } },
    spec: {
      secretName: id,
      secretTemplate: { labels: { [TEMPORARY]: id } },
      commonName: 'acceptance',
      usages: ['client auth'],
      // The shortest there is.
      duration: '1h',
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      issuerRef,
    },
  };
}

/** Has a client's certificate issued, uses it, and removes it with its key. */
export async function withCertificate<T>(
  cluster: Cluster,
  { certificate }: { readonly certificate: Manifest },
  use: () => Promise<T>,
): Promise<T> {
  await cluster.apply(certificate);
  try {
    return await use();
  } finally {
    await cluster.remove(certificate);
    await cluster.remove({ ...certificate, apiVersion: 'v1', kind: 'Secret' });
  }
}
