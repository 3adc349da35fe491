import type { Manifest } from '../constructs/platform/manifest';
import type { RoleRef, Subject } from '../imports/k8s';

/** A RoleBinding or ClusterRoleBinding as it is printed. */
export interface Binding {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[];
}

export function isBinding(manifest: Manifest): manifest is Manifest & Binding {
  return manifest.kind === 'RoleBinding' || manifest.kind === 'ClusterRoleBinding';
}
