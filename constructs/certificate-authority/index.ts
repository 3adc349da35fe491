import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { Certificate, CertificateProps, ClusterIssuer } from '../../imports/cert-manager.io';
import { Volume } from '../../imports/k8s';
import { Bundle } from '../../imports/trust.cert-manager.io';
import { Connections } from '../platform/connections';
import { objectName } from '../platform/names';
import { PLATFORM_LABELS } from '../platform/labels';
import { TRUST_BUNDLE, TRUST_FILE } from '../platform/trust';

/**
 * Lifetimes in hours, longest first. Each authority is renewed while it still outlives everything it may sign until
 * then: `renewBefore` of one row is at least `duration` of the next, so no certificate ever outlives its issuer.
 */
export const LIFETIMES = {
  /** 10 years; renewed 2 years before its end, with the same key, so that what it signed stays valid. */
  root: { duration: 87600, renewBefore: 17520 },
  /** 1 year; renewed 120 days before its end. */
  issuing: { duration: 8760, renewBefore: 2880 },
  /** 90 days, renewed 30 days before its end: cert-manager's own defaults. */
  leaf: { duration: 2160, renewBefore: 720 },
} as const;

export { TRUST_BUNDLE, TRUST_FILE };

/** A key and its certificate in a Secret (`tls.crt`, `tls.key`). */
export interface TlsSecret {
  readonly secretName: string;
  /** The Secret as a pod volume, readable by the pod's group alone. */
  volume(name: string): Volume;
}

export interface CertificateAuthorityProps {
  /** Generations of the root that are trusted, oldest first. */
  readonly generations: readonly number[];
  /** The one of them by which certificates are issued. */
  readonly issuing: number;
}

/**
 * The platform's own certificate authority: a self-signed root and an issuing authority per generation, a trust bundle with
 * the roots of all, and one generation that issues. A new generation is trusted first and issues later; an old one is dropped
 * when what it signed has run out.
 *
 * Must be built in cert-manager's own namespace: cluster issuers and the bundle read their Secrets there.
 *
 * @example
 * const authority = new CertificateAuthority(certManager, 'lighthouse', { generations: [1], issuing: 1 });
 * const tls = authority.issue(redis);
 */
export class CertificateAuthority extends Construct {
  private readonly issuer: string;
  /** Whoever signs what issues. */
  private readonly root: string;

  constructor(scope: Construct, id: string, props: CertificateAuthorityProps) {
    super(scope, id);
    const { generations, issuing } = props;
    if (!generations.includes(issuing))
      throw new Error(
        `${this.node.path}: issuing must be one of generations, ${generations.join(', ') || 'of which there is none'}, got ${issuing}`,
      );

    const selfSigned = new ClusterIssuer(this, 'SelfSigned', { spec: { selfSigned: {} } });
    const roots = generations.map((generation) => {
      const root = `${objectName(this)}-root-${generation}`;
      authority(this, `Root${generation}`, root, selfSigned.name, LIFETIMES.root, 'Never');
      new ClusterIssuer(this, `RootIssuer${generation}`, {
        metadata: { name: root },
        spec: { ca: { secretName: root } },
      });
      // Those that do not issue are there as well: no longer, or ready for when they do.
      authority(
        this,
        `Issuing${generation}`,
        this.issuingName(generation),
        root,
        LIFETIMES.issuing,
        'Always',
      );
      return root;
    });
    this.root = `${objectName(this)}-root-${issuing}`;
    this.issuer = new ClusterIssuer(this, 'Issuer', {
      metadata: { name: objectName(this) },
      spec: { ca: { secretName: this.issuingName(issuing) } },
    }).name;

    new Bundle(this, 'Trust', {
      metadata: { name: TRUST_BUNDLE },
      spec: {
        sources: roots.map((name) => ({ secret: { name, key: 'tls.crt' } })),
        target: {
          configMap: { key: TRUST_FILE },
          // The database's operator takes trust from Secrets only.
          secret: { key: TRUST_FILE, metadata: { labels: { 'cnpg.io/reload': 'true' } } },
          namespaceSelector: { matchLabels: PLATFORM_LABELS },
        },
      },
    });
  }

  /**
   * A certificate for a set of pods: for every name its endpoints are reached by, and to show as a client where the pods
   * connect to others. Renewed with a new key each time. `names` are further ones, such as those in public DNS.
   */
  issue(
    connections: Connections,
    labels: Readonly<Record<string, string>> = {},
    names: readonly string[] = [],
  ): TlsSecret {
    const { construct } = connections;
    return this.certificate(construct, 'Tls', labels, {
      commonName: objectName(construct),
      dnsNames: Lazy.any({ produce: () => [...serverNames(connections), ...names] }),
      usages: ['server auth', 'client auth'],
    });
  }

  /** A certificate that shows a client to be a named user, for servers that take the common name for the user. */
  client(
    scope: Construct,
    id: string,
    user: string,
    labels: Readonly<Record<string, string>> = {},
  ): TlsSecret {
    return this.certificate(scope, id, labels, { commonName: user, usages: ['client auth'] });
  }

  /** An authority for another program to sign with, below the root that issues: what it signs is trusted as the platform's own. */
  delegate(scope: Construct, id: string): TlsSecret {
    const secretName = `${objectName(scope)}-${id.toLowerCase()}`;
    authority(scope, id, secretName, this.root, LIFETIMES.issuing, 'Always');
    return tlsSecret(secretName);
  }

  private certificate(scope: Construct, id: string, labels: Labels, spec: CertificateOf): TlsSecret {
    return certificate(scope, id, labels, spec, { name: this.issuer, kind: 'ClusterIssuer' });
  }

  private issuingName(generation: number): string {
    return `${objectName(this)}-issuing-${generation}`;
  }
}

function authority(
  scope: Construct,
  id: string,
  name: string,
  issuer: string,
  lifetime: { duration: number; renewBefore: number },
  rotationPolicy: 'Always' | 'Never',
): void {
  new Certificate(scope, id, {
    metadata: { name },
    spec: {
      isCA: true,
      commonName: name,
      secretName: name,
      ...hours(lifetime),
      privateKey: { algorithm: 'ECDSA', size: 384, rotationPolicy },
      usages: ['cert sign', 'crl sign'],
      issuerRef: { name: issuer, kind: 'ClusterIssuer' },
    },
  });
}

type Labels = Readonly<Record<string, string>>;

type CertificateOf = Pick<NonNullable<CertificateProps['spec']>, 'commonName' | 'dnsNames' | 'usages'>;

/** A leaf of any issuer, as all of the platform's are. */
export function certificate(
  scope: Construct,
  id: string,
  labels: Labels,
  spec: CertificateOf,
  issuerRef: { readonly name: string; readonly kind: 'ClusterIssuer' | 'Issuer' },
): TlsSecret {
  const secretName = `${objectName(scope)}-${id.toLowerCase()}`;
  new Certificate(scope, id, {
    metadata: { name: secretName },
    spec: {
      ...spec,
      secretName,
      ...(Object.keys(labels).length > 0 ? { secretTemplate: { labels } } : {}),
      ...hours(LIFETIMES.leaf),
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      issuerRef,
    },
  });
  return tlsSecret(secretName);
}

/** The roots as a pod volume. */
export function trustVolume(name: string): Volume {
  return { name, configMap: { name: TRUST_BUNDLE, items: [{ key: TRUST_FILE, path: TRUST_FILE }] } };
}

/** A Secret with a key and its certificate, whoever made it. */
export function tlsSecret(secretName: string): TlsSecret {
  return {
    secretName,
    // Group-readable: the program runs as another user than the one that wrote the file.
    volume: (name) => ({ name, secret: { secretName, defaultMode: 0o440 } }),
  };
}

function hours({ duration, renewBefore }: { duration: number; renewBefore: number }) {
  return { duration: `${duration}h`, renewBefore: `${renewBefore}h` };
}

/** Every spelling of every name under which clients look these pods up, shortest first. */
function serverNames(connections: Connections): string[] {
  const { host, endpoints, fronts } = connections;
  const hosts = new Set([host, ...[...endpoints, ...fronts].map((endpoint) => endpoint.host)]);
  return [...[...hosts].flatMap(spellingsOf), `*.${host}`];
}

/** Every spelling of a name inside the cluster, shortest first. */
export function spellingsOf(host: string): string[] {
  const [service = host, namespace = ''] = host.split('.');
  return [service, `${service}.${namespace}`, `${service}.${namespace}.svc`, host];
}
