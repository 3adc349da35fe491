import { parseQuantity } from '../../constructs/platform/quantity';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import { nameOf } from '../changes/changes';
import type { Rule } from './rule';

interface Claim {
  readonly metadata?: { readonly name?: string };
  readonly spec?: { readonly resources?: { readonly requests?: { readonly storage?: string } } };
}

interface Storage {
  readonly size?: string;
}

/** Volume → its size, as each kind says it. */
const SIZES: Readonly<Record<string, (manifest: Manifest) => Record<string, string | undefined>>> = {
  PersistentVolumeClaim: (manifest) => ({ '': sizeOf(manifest as Claim) }),
  StatefulSet: (manifest) => {
    const { volumeClaimTemplates = [] } = spec<{ volumeClaimTemplates?: readonly Claim[] }>(manifest);
    return Object.fromEntries(
      volumeClaimTemplates.map((claim) => [claim.metadata?.name ?? '', sizeOf(claim)]),
    );
  },
  Cluster: (manifest) => {
    const {
      storage,
      walStorage,
      tablespaces = [],
    } = spec<{
      storage?: Storage;
      walStorage?: Storage;
      tablespaces?: readonly { name: string; storage?: Storage }[];
    }>(manifest);
    return {
      storage: storage?.size,
      walStorage: walStorage?.size,
      ...Object.fromEntries(tablespaces.map(({ name, storage: own }) => [`tablespace ${name}`, own?.size])),
    };
  },
};

/** A volume that becomes smaller. */
export const shrunkStorage: Rule = {
  name: 'shrunk-storage',
  why: 'a volume cannot shrink: the API server or the operator refuses it, and the sync fails',
  remedy:
    'keep the size; to use less, make a new object beside, move the data, and take the old one away afterwards',
  find: ({ changes }) =>
    changes.flatMap(({ before, after }) => {
      const sizes = after && SIZES[after.manifest.kind];
      if (!sizes || before?.manifest.kind !== after.manifest.kind) return [];
      const former = sizes(before.manifest);
      return Object.entries(sizes(after.manifest)).flatMap(([volume, size]) => {
        const old = former[volume];
        if (old === undefined || size === undefined || parseQuantity(size) >= parseQuantity(old)) return [];
        return [
          { object: nameOf(after.manifest), what: `shrinks ${volume || 'itself'} from ${old} to ${size}` },
        ];
      });
    }),
};

function sizeOf(claim: Claim): string | undefined {
  return claim.spec?.resources?.requests?.storage;
}
