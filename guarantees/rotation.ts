import type { Platform } from '../synth/platform';
import {
  type Certificate,
  certificatesIn,
  isRoot,
  type Issuers,
  issuersIn,
  trustedSecrets,
} from './certificates/model';
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
