import { inventoryOf } from '../synth/inventory';
import type { Guarantee } from './guarantee';

/** Every folder of its node's disk, or memory, that a pod is given has a size: nobody fills what all share. */
export const scratch: Guarantee = {
  name: 'scratch space',
  check: (platform) => {
    const folders = inventoryOf(platform).pods.flatMap(({ object: { path, manifest }, workload: { pod } }) =>
      (pod?.volumes ?? []).flatMap(({ name, emptyDir }) =>
        emptyDir ? { path, manifest, name, emptyDir } : [],
      ),
    );
    return {
      findings: folders
        .filter(({ emptyDir: { sizeLimit } }) => sizeLimit === undefined)
        .map(({ path, manifest: { kind, metadata }, name }) => ({
          path,
          cause: `${kind} ${metadata.namespace}/${metadata.name}: volume ${name} may grow until its node has no disk left`,
          remedy: 'write emptyDir.sizeLimit',
        })),
      facts: [{ subject: 'scratch folders with a size', figure: String(folders.length) }],
    };
  },
};
