import type { CertificateProps } from '../imports/cert-manager.io';
import { spec } from '../constructs/platform/workloads';
import type { Platform } from '../synth/platform';
import { listed, type Section, sortedRows } from './section';

type Spec = NonNullable<CertificateProps['spec']>;

/** `2160h` in days. */
function days(duration: string | undefined): string {
  if (duration === undefined) return 'cert-manager’s default';
  const hours = /^(\d+)h$/.exec(duration)?.[1];
  return hours === undefined ? duration : `${Number(hours) / 24} d`;
}

export function certificatesOf({ objects }: Platform): Section {
  const rows = objects.flatMap(({ manifest }) => {
    if (manifest.kind !== 'Certificate') return [];
    const { commonName = '–', dnsNames = [], isCA, usages = [], ...rest } = spec<Spec>(manifest);
    const { duration, renewBefore, privateKey, issuerRef } = rest;
    const { algorithm = '', size = '', rotationPolicy = '' } = privateKey ?? {};
    return [
      [
        `${manifest.metadata.namespace}/${manifest.metadata.name}`,
        commonName,
        isCA ? 'authority' : `${dnsNames.length} names`,
        listed(usages),
        issuerRef.name,
        days(duration),
        days(renewBefore),
        `${algorithm} ${size}, ${rotationPolicy === 'Never' ? 'kept' : 'new each time'}`,
      ],
    ];
  });
  return {
    title: 'Certificates',
    text: 'Lifetimes as they are asked for; dates are in the cluster (`kubectl get certificates -A -o wide`), watched by the alerts CertificateExpires and CertificateNotRenewed.',
    columns: ['certificate', 'common name', 'for', 'usages', 'issuer', 'lives', 'renewed before', 'key'],
    rows: sortedRows(rows),
  };
}
