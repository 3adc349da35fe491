import { MESH_LABEL } from '../../constructs/platform/mesh';
import { spec } from '../../constructs/platform/workloads';
import type { PodSource } from '../../synth/inventory';
import type { Platform } from '../../synth/platform';
import type { Finding } from '../guarantee';
import { deniesAll } from './policy';
import { nameOf, type World } from './world';

/** What speaks of a mesh where there is none: nobody would heed it, or its kind would be refused. */
export function strays({ objects }: Platform): Finding[] {
  return objects
    .filter(
      ({ manifest }) =>
        ['AuthorizationPolicy', 'PeerAuthentication'].includes(manifest.kind) ||
        manifest.metadata.labels?.[MESH_LABEL] !== undefined,
    )
    .map(({ path, manifest: { kind, metadata } }) => ({
      path,
      cause: `${kind} ${metadata.name} speaks of a mesh, and this environment has none`,
      remedy: 'say mesh in the configuration, or make it only where there is one',
    }));
}

/** Pods that the mesh does not take in, or that it takes in without asking who connects. */
export function leftOut({ namespaces, pods, admissions }: World): Finding[] {
  const denied = new Set(admissions.filter(deniesAll).map(({ namespace }) => namespace));
  const open = [...namespaces].flatMap(([name, { path, manifest }]) => [
    ...(manifest.metadata.labels?.[MESH_LABEL] === 'ambient'
      ? []
      : [
          {
            path,
            cause: `the mesh does not take in the pods of namespace ${name}`,
            remedy: `give PlatformNamespaces the mesh, which labels it ${MESH_LABEL}: ambient`,
          },
        ]),
    ...(denied.has(name)
      ? []
      : [
          {
            path,
            cause: `no AuthorizationPolicy denies by default in namespace ${name}`,
            remedy: 'build it with PlatformNamespaces.add(…), which makes the policy',
          },
        ]),
  ]);
  const away = pods.flatMap(({ object, workload }) => {
    const why = [
      ...(workload.pod?.hostNetwork ? ["its node's network"] : []),
      ...(workload.labels[MESH_LABEL] === undefined ? [] : [`label ${MESH_LABEL}`]),
    ];
    return why.map((reason) => ({
      path: object.path,
      cause: `the mesh does not take in the pods of ${nameOf(object)}, for ${reason}`,
      remedy: 'take that away: the mesh refuses their connections to all others',
    }));
  });
  return [...open, ...away];
}

/** The service account that pods run as, operators' own included (CloudNativePG 1.30, api/v1/{cluster,pooler}_funcs.go). */
function accountOf({ object: { manifest }, workload }: PodSource): string {
  const { kind, metadata } = manifest;
  if (kind === 'Cluster' || kind === 'Pooler')
    return spec<{ serviceAccountName?: string }>(manifest).serviceAccountName ?? metadata.name;
  return workload.pod?.serviceAccountName ?? 'default';
}

/** Pods that the mesh knows by another service account than the one that policies were told. */
export function misnamed(source: PodSource): Finding[] {
  const { object } = source;
  const told = object.connections?.account;
  const account = accountOf(source);
  if (told === undefined || told === account) return [];
  return [
    {
      path: object.path,
      cause: `pods of ${nameOf(object)} run as service account ${account}, by which nobody lets them in: policies know ${told}`,
      remedy: 'give the pods a service account of their own, named as their construct (withoutToken)',
    },
  ];
}
