import { spec } from '../../constructs/platform/workloads';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type { BundleSpec } from '../../imports/trust.cert-manager.io';
import type { Platform, PlatformObject } from '../../synth/platform';

export interface Certificate {
  readonly object: PlatformObject;
  /** As in `Certificate redis/cache-tls`. */
  readonly name: string;
  readonly issuedFor: CertificateSpec;
  /** Seconds. */
  readonly duration: number;
  readonly renewBefore: number;
  /** Identity of the issuer. */
  readonly issuer: string;
}

/** By identity of the issuer: the certificate that it signs with; none where it lets certificates sign themselves. */
export type Issuers = ReadonlyMap<string, Certificate | 'self'>;

/** Namespace whose Secrets cluster issuers and the bundle read. */
const CERT_MANAGER = 'cert-manager';

/** cert-manager's defaults (pkg/apis/certmanager/v1: 90 days, renewed when a third is left). */
const DEFAULT_DURATION = 2160 * 3600;
const DEFAULT_SHARE = 1 / 3;

export function certificatesIn({ objects }: Platform): Certificate[] {
  return objects
    .filter(({ manifest }) => manifest.kind === 'Certificate')
    .map((object) => {
      const { namespace, name } = object.manifest.metadata;
      const issuedFor = spec<CertificateSpec>(object.manifest);
      const { kind = 'Issuer', name: issuer } = issuedFor.issuerRef;
      const duration = seconds(issuedFor.duration) ?? DEFAULT_DURATION;
      return {
        object,
        name: `Certificate ${namespace}/${name}`,
        issuedFor,
        duration,
        renewBefore: seconds(issuedFor.renewBefore) ?? duration * DEFAULT_SHARE,
        issuer: kind === 'ClusterIssuer' ? `ClusterIssuer/${issuer}` : `Issuer/${namespace}/${issuer}`,
      };
    });
}

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };

/** A duration as Go writes it: `2160h`, `1h30m`. */
function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(h|m|s)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0),
    0,
  );
}

interface IssuerSpec {
  readonly ca?: { readonly secretName: string };
  readonly selfSigned?: unknown;
  readonly vault?: { readonly server: string };
}

export function issuersIn({ objects }: Platform, certificates: readonly Certificate[]): Issuers {
  const bySecret = new Map(
    certificates.map((certificate) => [
      `${certificate.object.manifest.metadata.namespace}/${certificate.issuedFor.secretName}`,
      certificate,
    ]),
  );
  return new Map(
    objects.flatMap(({ manifest: { kind, metadata, ...rest } }) => {
      if (kind !== 'Issuer' && kind !== 'ClusterIssuer') return [];
      const { ca, selfSigned, vault } = rest['spec'] as IssuerSpec;
      const namespace = kind === 'ClusterIssuer' ? CERT_MANAGER : metadata.namespace;
      const identity =
        kind === 'ClusterIssuer' ? `${kind}/${metadata.name}` : `${kind}/${namespace}/${metadata.name}`;
      const signer = selfSigned
        ? ('self' as const)
        : vault
          ? certificates.find((certificate) => isGivenTo(vault.server, certificate))
          : bySecret.get(`${namespace}/${ca?.secretName}`);
      return signer ? [[identity, signer] as const] : [];
    }),
  );
}

/** Whether an authority lies where a Vault is, which signs with the one that it was given. */
function isGivenTo(server: string, { object, issuedFor }: Certificate): boolean {
  const [, namespace] = new URL(server).hostname.split('.');
  return issuedFor.isCA === true && object.manifest.metadata.namespace === namespace;
}

export function isRoot({ issuer, issuedFor }: Certificate, issuers: Issuers): boolean {
  return issuedFor.isCA === true && issuers.get(issuer) === 'self';
}

export function trustedSecrets({ objects }: Platform): Set<string> {
  return new Set(
    objects
      .filter(({ manifest }) => manifest.kind === 'Bundle')
      .flatMap(({ manifest }) =>
        spec<BundleSpec>(manifest).sources.flatMap(({ secret }) => secret?.name ?? []),
      ),
  );
}
