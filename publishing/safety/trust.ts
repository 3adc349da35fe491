import { spec } from '../../constructs/platform/workloads';
import type { Manifest } from '../../constructs/platform/manifest';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type { BundleSpec } from '../../imports/trust.cert-manager.io';
import type { ClusterChange } from '../changes/changes';
import { nameOf } from '../changes/changes';
import type { Hazard, Rule } from './rule';

/** Roots that are trusted, and by which of them each cluster issuer signs, as one side of a change says. */
interface Trust {
  readonly roots: ReadonlySet<string>;
  /** By the issuer's name: the Secret of the root that its certificates go back to. */
  readonly issuers: ReadonlyMap<string, string>;
}

/**
 * Certificates by a root that nobody trusts yet, or that nobody will trust any more. What is published reaches a cluster at no
 * certain moment and in no certain order: trust comes one publication before its use, and goes one after.
 */
export const brokenTrust: Rule = {
  name: 'broken-trust',
  why: 'programs learn roots at their own time, and certificates live for 90 days: for a while the one has what the other does not believe',
  remedy:
    'take one step at a time: add the generation; when that is synced everywhere, write it into issuing; 90 days later drop the old one',
  find: ({ before, after }: ClusterChange) => {
    if (before.length === 0 || after.length === 0) return [];
    const old = trustOf(before.map(({ manifest }) => manifest));
    const fresh = trustOf(after.map(({ manifest }) => manifest));
    if (old.roots.size === 0) return [];
    return after.flatMap(({ manifest }) => [...early(manifest, old, fresh), ...late(manifest, old, fresh)]);
  },
};

function early(manifest: Manifest, old: Trust, fresh: Trust): Hazard[] {
  if (manifest.kind !== 'ClusterIssuer') return [];
  const { name } = manifest.metadata;
  const [from, to] = [old.issuers.get(name), fresh.issuers.get(name)];
  if (from === undefined || to === undefined || from === to || old.roots.has(to)) return [];
  const object = nameOf(manifest);
  return [{ object, what: `issues by ${to}, which is in no bundle that is published yet` }];
}

function late(manifest: Manifest, old: Trust, fresh: Trust): Hazard[] {
  if (manifest.kind !== 'Bundle') return [];
  const inUse = new Set([...old.issuers].filter(([issuer, root]) => issuer !== root).map(([, root]) => root));
  return [...inUse]
    .filter((root) => old.roots.has(root) && !fresh.roots.has(root))
    .map((root) => ({
      object: nameOf(manifest),
      what: `drops ${root}, by which certificates are issued as of what is published`,
    }));
}

function trustOf(manifests: readonly Manifest[]): Trust {
  const certificates = new Map(
    manifests
      .filter(({ kind }) => kind === 'Certificate')
      .map((manifest) => spec<CertificateSpec>(manifest))
      .filter(({ isCA }) => isCA === true)
      .map((certificate) => [certificate.secretName, certificate]),
  );
  const signers = new Map(
    manifests
      .filter(({ kind }) => kind === 'ClusterIssuer')
      .map((manifest) => [
        manifest.metadata.name,
        spec<{ ca?: { secretName: string } }>(manifest).ca?.secretName,
      ]),
  );
  const rootOf = (issuer: string, steps = signers.size): string | undefined => {
    const secret = signers.get(issuer);
    const above = secret === undefined ? undefined : certificates.get(secret)?.issuerRef.name;
    if (secret === undefined || above === undefined || steps === 0) return undefined;
    return signers.get(above) === undefined ? secret : rootOf(above, steps - 1);
  };
  const roots = manifests
    .filter(({ kind }) => kind === 'Bundle')
    .flatMap((manifest) => spec<BundleSpec>(manifest).sources.flatMap(({ secret }) => secret?.name ?? []));
  return {
    roots: new Set(roots),
    issuers: new Map(
      [...signers.keys()].flatMap((name) => {
        const root = rootOf(name);
        return root === undefined ? [] : [[name, root] as const];
      }),
    ),
  };
}
