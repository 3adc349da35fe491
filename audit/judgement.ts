import type { PodSpec } from '../imports/k8s';
import { imageReference } from '../constructs/platform/image';
import { containersOf } from '../constructs/platform/workloads';
import { ADMISSION } from '../guarantees/pod-security';
import { secrets } from '../guarantees/secrets';
import { inventoryOf } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import { identityOf } from '../synth/references';
import { imagesIn } from './images';
import { deniesAll, levelOf } from './policies';
import { exceptionsIn } from './privileges';
import { allows, grantsIn } from './roles';
import { listed, withoutHash } from './section';

/** What an auditor is told of one control. */
export interface Judgement {
  /** `owner`: the cluster's owner decides it, no manifest can. */
  readonly verdict: 'pass' | 'exception' | 'fails' | 'owner';
  /** What shows it, or whose turn it is. */
  readonly evidence: string;
}

/** Judges one control by a platform's objects. */
export type Judge = (platform: Platform) => Judgement;

const pass = (evidence: string): Judgement => ({ verdict: 'pass', evidence });

/** Decided by whoever owns the cluster. */
export const owner =
  (evidence: string): Judge =>
  () => ({ verdict: 'owner', evidence });

/** Passes where nothing deviates from the ledger's controls; what is in the ledger is an exception, the rest fails. */
export const byLedger =
  (...controls: readonly string[]): Judge =>
  (platform) => {
    const found = exceptionsIn(platform).filter(({ control }) => controls.includes(control));
    const objects = listed(found.map(({ object }) => object));
    if (found.length === 0) return pass('nothing deviates');
    return found.every(({ reason }) => reason !== undefined)
      ? { verdict: 'exception', evidence: `${objects}: reasons under Privileges` }
      : { verdict: 'fails', evidence: objects };
  };

/**
 * Passes where no binding lets anybody use a verb on a resource. Those of a role that has a reason are an exception; of any
 * other, it fails.
 */
export const byGrants =
  (
    group: string,
    resource: string,
    verbs: readonly string[],
    reasons: Readonly<Record<string, string>> = {},
  ): Judge =>
  (platform) => {
    const may = grantsIn(platform).filter(({ rules }) =>
      rules.some((rule) => allows(rule, group, resource, verbs)),
    );
    if (may.length === 0) return pass('no binding of the platform allows it');
    const unexplained = may.filter(({ role }) => reasons[role] === undefined);
    if (unexplained.length > 0)
      return {
        verdict: 'fails',
        evidence: listed(unexplained.map(({ subject, role }) => `${subject} by ${role}`)),
      };
    const told = may.map(({ subject, role }) => `${subject}: ${reasons[role] ?? ''}`);
    return { verdict: 'exception', evidence: listed(told) };
  };

/** Objects for which something does not hold; none: it passes. */
const byObjects =
  (evidence: string, broken: (platform: Platform) => readonly string[]): Judge =>
  (platform) => {
    const found = broken(platform);
    return found.length === 0 ? pass(evidence) : { verdict: 'fails', evidence: listed(found) };
  };

const podsWhere =
  (isBroken: (pod: PodSpec) => boolean) =>
  (platform: Platform): string[] =>
    inventoryOf(platform).pods.flatMap(({ object, workload: { pod } }) =>
      // What an operator makes has the operator's own account.
      pod && object.manifest.kind !== 'Pooler' && isBroken(pod)
        ? [withoutHash(identityOf(object.manifest))]
        : [],
    );

export const noDefaultAccount = byObjects(
  'every pod has an account of its own',
  podsWhere(({ serviceAccountName }) => serviceAccountName === undefined || serviceAccountName === 'default'),
);

export const memoryLimited = byObjects(
  'every container has a memory limit, and every namespace a quota',
  podsWhere((pod) => containersOf(pod).some(({ resources }) => resources?.limits?.['memory'] === undefined)),
);

export const levelsEnforced = byObjects('every namespace enforces a level of Pod Security', ({ objects }) =>
  objects.flatMap(({ manifest }) =>
    manifest.kind === 'Namespace' && levelOf(manifest) === undefined ? [identityOf(manifest)] : [],
  ),
);

export const deniedByDefault = byObjects('every namespace denies what no policy allows', ({ objects }) => {
  const denied = new Set(
    objects.flatMap(({ manifest }) => (deniesAll(manifest) ? manifest.metadata.namespace : [])),
  );
  return objects.flatMap(({ manifest: { kind, metadata } }) =>
    kind === 'Namespace' && !denied.has(metadata.name) ? [metadata.name] : [],
  );
});

export const noDefaultNamespace = byObjects('nothing is in the namespace default', ({ objects }) =>
  objects.flatMap(({ manifest }) =>
    manifest.metadata.namespace === 'default' ? [identityOf(manifest)] : [],
  ),
);

export const namespacesByConcern: Judge = ({ objects }) => {
  const names = objects.flatMap(({ manifest: { kind, metadata } }) =>
    kind === 'Namespace' ? metadata.name : [],
  );
  return pass(`a namespace each: ${listed(names)}`);
};

/** Secrets in variables, for programs that read them from nowhere else. */
export const secretsAsFiles: Judge = (platform) => {
  const found = podsWhere((pod) =>
    containersOf(pod).some(({ env = [], envFrom = [] }) =>
      [
        ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef),
        ...envFrom.map(({ secretRef }) => secretRef),
      ].some((each) => each !== undefined),
    ),
  )(platform);
  if (found.length === 0) return pass('every Secret is mounted as a file');
  return {
    verdict: 'exception',
    evidence: `${listed(found)}: their programs read these from nowhere but the environment`,
  };
};

export const secretsOutside: Judge = ({ objects }) => {
  const stores = objects.flatMap(({ manifest }) =>
    manifest.kind === 'ExternalSecret'
      ? (manifest['spec'] as { secretStoreRef: { name: string } }).secretStoreRef.name
      : [],
  );
  return stores.length > 0
    ? pass(`what comes from outside is fetched from ${listed(stores)}; the rest is made in the cluster`)
    : { verdict: 'exception', evidence: 'nothing comes from outside: all is made in the cluster' };
};

/** No value of a secret in any object: the guarantee itself is asked. */
export const noSecretValues = byObjects('no object has a value of a secret', (platform) =>
  secrets.check(platform).findings.map(({ cause }) => cause),
);

export const imagesPinned: Judge = (platform) => {
  const images = [...imagesIn(platform).keys()].map(imageReference);
  const locked = images.filter(({ digest }) => digest !== undefined);
  return locked.length === images.length
    ? pass('every image by digest')
    : {
        verdict: 'exception',
        evidence: `every image by exact tag, ${locked.length} of ${images.length} by digest too: a registry must be reached to resolve the rest`,
      };
};

/** The Pod Security level `restricted`, all of it. */
export const restricted = byLedger(...ADMISSION);
