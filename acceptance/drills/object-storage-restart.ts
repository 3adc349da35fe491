import { randomUUID } from 'node:crypto';
import type { Manifest } from '../../constructs/platform/manifest';
import { connectedAt } from '../place';
import { bucketsIn, goalsOf, S3, storageClient } from '../smoke/object-storage';
import type { Trial } from '../trial';
import { labelsOf, lostOf, podsOf, whole, writingWhile } from './drill';

/** Programs that serve objects inside the cluster. */
const SERVERS: ReadonlySet<string> = new Set(['minio', 'seaweedfs']);

/** Restarts the object store while a consumer writes objects: each that was acknowledged is there afterwards. */
export async function restartObjectStorage({ cluster, recorder, manifests }: Trial): Promise<void> {
  const server = manifests.find(isServer);
  const [bucket] = bucketsIn(manifests);
  const subject = 'object storage';
  const name = 'its server restarts during writes';
  if (!server || !bucket) {
    recorder.skip(subject, name, 'it is a provider’s');
    return;
  }
  await recorder.check(subject, name, () =>
    connectedAt(
      cluster,
      { ...storageClient(bucket, manifests), name: 'writer-of-objects' },
      goalsOf(bucket, manifests),
      async (place) => {
        const prefix = `acceptance/${randomUUID()}`;
        const prelude = `URL=${bucket.url}\n${S3}`;
        const [pod] = await podsOf(cluster, server.metadata.namespace ?? '', labelsOf(server));
        if (!pod) throw new Error('its server has no pod');
        let recovery = 0;
        const write = `{ echo "$N" > /tmp/object; s3 put-object --bucket ${bucket.bucket} --key "${prefix}/$N" --body /tmp/object; }`;
        const written = await writingWhile(place, prelude, write, async () => {
          await cluster.remove(pod);
          recovery = await whole(cluster, server, pod);
        });
        const keys = await place.run(
          `${prelude}\ns3 list-objects-v2 --bucket ${bucket.bucket} --prefix "${prefix}/" --query 'Contents[].Key'`,
        );
        const there = keys.split(/\s+/).map((key) => key.split('/').at(-1) ?? '');
        const lost = lostOf(written, there);
        if (lost.length > 0)
          throw new Error(`${lost.length} acknowledged objects are lost: ${lost.slice(0, 5).join(', ')}`);
        await place.run(
          `${prelude}\nfor key in ${there.join(' ')}; do s3 delete-object --bucket ${bucket.bucket} --key "${prefix}/$key"; done`,
          300,
        );
        return [
          `${written.acknowledged.length} objects acknowledged, 0 lost`,
          `none for ${written.longestPause.toFixed(1)} s`,
          `whole after ${recovery.toFixed(1)} s`,
        ].join(', ');
      },
    ),
  );
}

function isServer({ kind, metadata }: Manifest): boolean {
  return kind === 'StatefulSet' && SERVERS.has(metadata.labels?.['app.kubernetes.io/name'] ?? '');
}
