import type { Manifest } from '../constructs/platform/manifest';
import { spec } from '../constructs/platform/workloads';
import { inventoryOf } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import { identityOf, referencesOf } from '../synth/references';
import { grouped, listed, type Section, sortedRows, withoutHash } from './section';

interface ExternalSecretSpec {
  readonly secretStoreRef: { readonly name: string };
  readonly data?: readonly { readonly remoteRef: { readonly key: string } }[];
}

/** Where a Secret comes from, by the kind of what makes it. */
const SOURCES: Readonly<Record<string, (maker: Manifest) => string>> = {
  Certificate: (maker) => {
    const { issuerRef } = spec<{ issuerRef: { name: string } }>(maker);
    return `certificate, issued by ${issuerRef.name}`;
  },
  ExternalSecret: (maker) => {
    const { secretStoreRef, data = [] } = spec<ExternalSecretSpec>(maker);
    return `external-secrets: store ${secretStoreRef.name}, ${listed(data.map(({ remoteRef }) => remoteRef.key))}`;
  },
  Bundle: () => 'trust bundle: public certificates only',
  Cluster: () => 'made by the database’s operator',
};

export function secretsOf(platform: Platform): Section {
  const { provided } = inventoryOf(platform);
  const readers = grouped(
    platform.objects.flatMap(({ manifest }) =>
      referencesOf(manifest).map(({ to }) => ({ to, by: identityOf(manifest) })),
    ),
    ({ to }) => to,
  );
  const rows = [...provided].flatMap(([identity, { by, keys = [] }]) => {
    if (!identity.startsWith('Secret/')) return [];
    const maker = by.manifest;
    const source = SOURCES[maker.kind]?.(maker) ?? `made in the cluster by ${withoutHash(identityOf(maker))}`;
    const users = (readers.get(identity) ?? []).map((each) => withoutHash(each.by));
    return [[identity.slice('Secret/'.length), source, listed(keys), listed(users)]];
  });
  return {
    title: 'Secrets',
    text: 'Every Secret of the platform’s namespaces, where its values come from, and what reads it. No value is in Git, in `dist/`, in an argument or in a log: synth fails on one.',
    columns: ['Secret', 'from', 'keys', 'read by'],
    rows: sortedRows(rows),
  };
}
