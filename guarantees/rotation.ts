import type { CertificateSpec } from '../imports/cert-manager.io';
import type { BundleSpec } from '../imports/trust.cert-manager.io';
import { spec } from '../constructs/platform/workloads';
import type { Platform, PlatformObject } from '../synth/platform';
import { time } from './figures';
import type { Finding, Guarantee } from './guarantee';

/**
 * No certificate outlives the one that signed it, every one is renewed before its end, and the trust bundle has the root
 * of whatever is in use and of every generation that is configured.
 */
export const rotation: Guarantee = {
  name: 'rotation',
  check: (platform) => {
    const certificates = certificatesIn(platform);
    const issuers = issuersIn(platform, certificates);
    const trusted = trustedSecrets(platform);
    const durations = certificates.filter(({ issuedFor }) => !issuedFor.isCA).map(({ duration }) => duration);
    const roots = certificates.filter((certificate) => isRoot(certificate, issuers));
    return {
      findings: [
        ...certificates.flatMap((certificate) => [
          ...lifetime(certificate),
          ...outliving(certificate, issuers),
          ...untrusted(certificate, issuers, trusted),
        ]),
        ...roots.flatMap(newKey),
        ...dropped(platform, roots, trusted),
      ],
      facts: [
        { subject: 'certificates', figure: `${certificates.length}, roots ${roots.length}` },
        {
          subject: 'longest lifetime of a leaf',
          figure: durations.length > 0 ? time(Math.max(...durations)) : 'there is none',
        },
        { subject: 'trusted roots', figure: [...trusted].sort().join(', ') || 'none' },
      ],
    };
  },
};

interface Certificate {
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
type Issuers = ReadonlyMap<string, Certificate | 'self'>;

/** Namespace whose Secrets cluster issuers and the bundle read. */
const CERT_MANAGER = 'cert-manager';

/** cert-manager's defaults (pkg/apis/certmanager/v1: 90 days, renewed when a third is left). */
const DEFAULT_DURATION = 2160 * 3600;
const DEFAULT_SHARE = 1 / 3;

function certificatesIn({ objects }: Platform): Certificate[] {
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
}

function issuersIn({ objects }: Platform, certificates: readonly Certificate[]): Issuers {
  const bySecret = new Map(
    certificates.map((certificate) => [
      `${certificate.object.manifest.metadata.namespace}/${certificate.issuedFor.secretName}`,
      certificate,
    ]),
  );
  return new Map(
    objects.flatMap(({ manifest: { kind, metadata, ...rest } }) => {
      if (kind !== 'Issuer' && kind !== 'ClusterIssuer') return [];
      const { ca, selfSigned } = rest['spec'] as IssuerSpec;
      const namespace = kind === 'ClusterIssuer' ? CERT_MANAGER : metadata.namespace;
      const identity =
        kind === 'ClusterIssuer' ? `${kind}/${metadata.name}` : `${kind}/${namespace}/${metadata.name}`;
      const signer = selfSigned ? ('self' as const) : bySecret.get(`${namespace}/${ca?.secretName}`);
      return signer ? [[identity, signer] as const] : [];
    }),
  );
}

function isRoot({ issuer, issuedFor }: Certificate, issuers: Issuers): boolean {
  return issuedFor.isCA === true && issuers.get(issuer) === 'self';
}

function lifetime({ object, name, duration, renewBefore }: Certificate): Finding[] {
  if (renewBefore > 0 && renewBefore < duration) return [];
  return [
    {
      path: object.path,
      cause: `${name} lives ${time(duration)} and is renewed ${time(renewBefore)} before its end: ${renewBefore > 0 ? 'again and again from its first moment' : 'too late'}`,
      remedy: 'write renewBefore as a third of duration or less, and more than nothing',
    },
  ];
}

function outliving(certificate: Certificate, issuers: Issuers): Finding[] {
  const { object, name, duration, issuer } = certificate;
  const signer = issuers.get(issuer);
  if (!signer || signer === 'self' || duration <= signer.renewBefore) return [];
  return [
    {
      path: object.path,
      cause: `${name} lives ${time(duration)}, its signer ${signer.name} is renewed ${time(signer.renewBefore)} before its end: it may outlive its signer by ${time(duration - signer.renewBefore)}`,
      remedy: `write a duration of at most ${signer.renewBefore / 3600}h, or a longer renewBefore for ${signer.name}`,
    },
  ];
}

/** Follows the signers up to a root, which must be in the bundle. */
function untrusted(certificate: Certificate, issuers: Issuers, trusted: ReadonlySet<string>): Finding[] {
  const seen = new Set<Certificate>();
  let top: Certificate | undefined = certificate;
  while (top && !seen.has(top)) {
    seen.add(top);
    const signer: Certificate | 'self' | undefined = issuers.get(top.issuer);
    // An issuer that this platform does not make is the references' business.
    if (!signer) return [];
    if (signer === 'self') break;
    top = signer;
  }
  if (!top || certificate.issuedFor.isCA || trusted.has(top.issuedFor.secretName)) return [];
  return [
    {
      path: certificate.object.path,
      cause: `${certificate.name} goes back to ${top.name}, whose Secret ${top.issuedFor.secretName} is in no trust bundle: nobody believes it`,
      remedy:
        'add the root to the sources of the Bundle, or have the platform authority issue the certificate',
    },
  ];
}

function trustedSecrets({ objects }: Platform): Set<string> {
  return new Set(
    objects
      .filter(({ manifest }) => manifest.kind === 'Bundle')
      .flatMap(({ manifest }) =>
        spec<BundleSpec>(manifest).sources.flatMap(({ secret }) => secret?.name ?? []),
      ),
  );
}

/** A root that is renewed with a new key stops vouching for all that it ever signed. */
function newKey({ object, name, issuedFor }: Certificate): Finding[] {
  if (issuedFor.privateKey?.rotationPolicy === 'Never') return [];
  return [
    {
      path: object.path,
      cause: `root ${name} gets a new key when it is renewed: everything it signed is refused from that moment`,
      remedy: 'write privateKey.rotationPolicy: Never, and add a new generation for a new key',
    },
  ];
}

/** Generations that the configuration names, and that are not trusted. */
function dropped(
  { environment }: Platform,
  roots: readonly Certificate[],
  trusted: ReadonlySet<string>,
): Finding[] {
  const secrets = roots.map(({ issuedFor }) => issuedFor.secretName);
  const [root] = roots;
  if (!root) return [];
  return environment.certificateAuthority.generations
    .filter((generation) => !secrets.some((name) => name.endsWith(`-${generation}`) && trusted.has(name)))
    .map((generation) => ({
      path: root.object.path,
      cause: `generation ${generation} of certificateAuthority.generations has no root in the trust bundle, which has ${[...trusted].join(', ') || 'none'}`,
      remedy: 'keep its root until the last certificate below it has run out',
    }));
}
