import type { IConstruct } from 'constructs';
import type { PodSpec } from '../../imports/k8s';
import { operatorChart, operatorsFor } from '../platform-operators/operators';
import { imageReference } from '../platform/image';
import { manifestOf, objectsIn } from '../platform/manifest';
import { NamespaceScope } from '../platform/names';
import { accountOf, containersOf, makesPods, spec, type Workload, workloadOf } from '../platform/workloads';

/** Something that the pods of an object may, as the ledger of privileges names both. */
export interface Exception {
  /** As in `DaemonSet/node-agents/collector`. */
  readonly object: string;
  /** As in `host paths`. */
  readonly control: string;
}

/** What pods may have, by `namespace/service account`. */
export type Table = Readonly<Record<string, readonly string[]>>;

/** What the policies let through. */
export interface Tables {
  /** Registries with repositories of all images, those that operators add included. */
  readonly repositories: readonly string[];
  readonly exceptions: Table;
  /** Folders of the node that are mounted. */
  readonly paths: Table;
  readonly capabilities: Table;
  /** Audiences of the tokens that are mounted; that of the API server has no name. */
  readonly tokens: Table;
}

/** Reads a platform that is built. */
export function tablesOf(platform: IConstruct, exceptions: readonly Exception[]): Tables {
  const objects = objectsIn(platform);
  const makers = objects.flatMap((object) => {
    if (!makesPods(object.kind)) return [];
    const workload = workloadOf(manifestOf(object));
    const namespace = object.metadata.namespace ?? NamespaceScope.of(object)?.name ?? '';
    return workload ? { workload, namespace, identity: `${object.kind}/${namespace}/${object.name}` } : [];
  });
  const table = (values: (workload: Workload, identity: string) => readonly string[]): Table =>
    tableOf(
      makers.map(({ workload, namespace, identity }) => ({
        account: `${namespace}/${accountOf(workload)}`,
        values: values(workload, identity),
      })),
    );
  const operators = operatorsFor(new Set(objects.map(({ apiGroup }) => apiGroup)));
  const images = makers.flatMap(({ workload }) => imagesOf(workload));
  return {
    repositories: sorted([
      ...images.map((image) => imageReference(image).repository),
      ...operators.flatMap((name) => operatorChart(name).injects ?? []),
    ]),
    exceptions: table((_, identity) =>
      exceptions.filter(({ object }) => object === identity).map(({ control }) => control),
    ),
    paths: table(({ pod }) => (pod?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? [])),
    capabilities: table(({ pod }) =>
      (pod ? containersOf(pod) : []).flatMap(
        ({ securityContext }) => securityContext?.capabilities?.add ?? [],
      ),
    ),
    tokens: table(tokensOf),
  };
}

function imagesOf({ manifest, pod }: Workload): string[] {
  const { imageName, pgbouncer } = spec<{ imageName?: string; pgbouncer?: { image?: string } }>(manifest);
  const volumes = pod?.volumes ?? [];
  return [
    ...(pod ? containersOf(pod).map(({ image }) => image) : []),
    ...volumes.map(({ image }) => image?.reference),
    imageName,
    pgbouncer?.image,
  ].filter((image) => image !== undefined);
}

/** Where nothing is said a token is mounted: operators leave it so, and whose else is left so is a finding of its own. */
function tokensOf({ pod }: Workload): string[] {
  return [...(pod?.automountServiceAccountToken === false ? [] : ['']), ...(pod ? projected(pod) : [])];
}

function projected({ volumes = [] }: PodSpec): string[] {
  return volumes
    .flatMap((volume) => volume.projected?.sources ?? [])
    .flatMap(({ serviceAccountToken }) => (serviceAccountToken ? (serviceAccountToken.audience ?? '') : []));
}

interface Entry {
  readonly account: string;
  readonly values: readonly string[];
}

function tableOf(entries: readonly Entry[]): Table {
  const accounts = sorted(entries.filter(({ values }) => values.length > 0).map(({ account }) => account));
  return Object.fromEntries(
    accounts.map((account) => [
      account,
      sorted(entries.filter((entry) => entry.account === account).flatMap(({ values }) => values)),
    ]),
  );
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
