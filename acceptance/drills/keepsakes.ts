import { randomUUID } from 'node:crypto';
import { visit, type Visit } from '../smoke/check';
import { bucketsIn, objectClient } from '../smoke/object-storage';
import { eventClient, eventStoresIn } from '../smoke/postgres';
import { withCertificate } from '../smoke/certificate';
import { keyClient, redisGroupsIn } from '../smoke/redis';
import { homesOf, python, vectorClient } from '../smoke/vector-database';
import type { Trial } from '../trial';

/** Something small that is left in a service, to be found there after its pods were lost. */
interface Keepsake {
  readonly client: Visit;
  readonly leave: string;
  readonly find: string;
  /** Does something while the client's certificate is there, where it needs one. */
  readonly during?: (use: () => Promise<void>) => Promise<void>;
}

/** Leaves something in every service that keeps data, does something to them, and looks for it. */
export async function keeping(trial: Trial, act: () => Promise<void>): Promise<void> {
  const keepsakes = keepsakesFor(trial);
  for (const each of keepsakes) await visited(trial, each, 'something is left in it', each.leave);
  await act();
  for (const each of keepsakes) await visited(trial, each, 'what was left in it is there', each.find);
}

async function visited(
  trial: Trial,
  { client, during = (use) => use() }: Keepsake,
  name: string,
  script: string,
): Promise<void> {
  await during(() => visit(trial, { ...client, attempts: [{ name, script }] }));
}

function keepsakesFor(trial: Trial): Keepsake[] {
  const { cluster, manifests } = trial;
  const id = randomUUID();
  return [
    ...eventStoresIn(manifests).map((store) => ({
      client: eventClient(store),
      leave: `append ${store.hosts.readWrite} ${id}`,
      find: `count ${store.hosts.readWrite} ${id} | grep -qx 1`,
      during: (use: () => Promise<void>) => withCertificate(cluster, store, use),
    })),
    // A cache keeps nothing when all of it stops.
    ...redisGroupsIn(manifests)
      .filter(({ isKept }) => isKept)
      .map((group) => ({
        client: keyClient(group),
        leave: `says OK redis ${group.proxy} SET acceptance:${id} ${id} EX 3600`,
        find: `says ${id} redis ${group.proxy} GET acceptance:${id}`,
        during: (use: () => Promise<void>) => withCertificate(cluster, group, use),
      })),
    ...bucketsIn(manifests).map((bucket) => ({
      client: objectClient(bucket, manifests),
      leave: `echo ${id} > /tmp/sent; s3 put-object --bucket ${bucket.bucket} --key acceptance/${id} --body /tmp/sent > /dev/null`,
      find: `s3 get-object --bucket ${bucket.bucket} --key acceptance/${id} /tmp/received > /dev/null
grep -qx ${id} /tmp/received
s3 delete-object --bucket ${bucket.bucket} --key acceptance/${id} > /dev/null`,
    })),
    ...homesOf('weaviate', manifests).map((namespace) => ({
      client: vectorClient(trial, namespace),
      leave: python(`call(BRIDGE, "POST", "/v1/objects", {**decision("kept"), "id": "${id}"})`),
      find: python(`
call(READER, "GET", "/v1/objects/Decision/${id}")
call(BRIDGE, "DELETE", "/v1/objects/Decision/${id}")`),
    })),
  ];
}
