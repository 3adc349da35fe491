import { MAKES } from '../constructs/platform/labels';
import type { Manifest } from '../constructs/platform/manifest';
import { spec } from '../constructs/platform/workloads';

/** Another object that an object names, as `Secret/redis/users-bridge`; cluster-wide ones have no namespace part. */
export interface Reference {
  readonly to: string;
  /** Where in the object, for findings. */
  readonly field: string;
}

/** The identity of an object among all of a cluster. */
export function identify(kind: string, namespace: string | undefined, name: string): string {
  return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that name another object by a string, and its kind. */
const NAME_FIELDS: Readonly<Record<string, string>> = {
  secretName: 'Secret',
  serviceAccountName: 'ServiceAccount',
  claimName: 'PersistentVolumeClaim',
  priorityClassName: 'PriorityClass',
};

/** Fields that name another object by an object with `name`, and its kind. */
const OBJECT_FIELDS: Readonly<Record<string, string>> = {
  secretKeyRef: 'Secret',
  secretRef: 'Secret',
  secret: 'Secret',
  passwordSecret: 'Secret',
  authQuerySecret: 'Secret',
  configMapKeyRef: 'ConfigMap',
  configMapRef: 'ConfigMap',
  configMap: 'ConfigMap',
};

/** Fields of custom resources that say the kind themselves or whose meaning depends on the object around them. */
const SPECIAL: Readonly<
  Record<string, (value: Fields, namespace: string | undefined) => string | undefined>
> = {
  issuerRef: ({ kind, name }, namespace) =>
    kind === 'ClusterIssuer'
      ? identify('ClusterIssuer', undefined, String(name))
      : identify('Issuer', namespace, String(name)),
  roleRef: ({ kind, name }, namespace) =>
    kind === 'ClusterRole'
      ? identify('ClusterRole', undefined, String(name))
      : identify('Role', namespace, String(name)),
  secretStoreRef: ({ kind, name }, namespace) =>
    kind === 'ClusterSecretStore'
      ? identify('ClusterSecretStore', undefined, String(name))
      : identify('SecretStore', namespace, String(name)),
  cluster: ({ name }, namespace) =>
    name === undefined ? undefined : identify('Cluster', namespace, String(name)),
};

/** What cert-manager's cluster issuers and trust-manager read lies in their own namespace, not in the object's. */
const OPERATOR_NAMESPACE: Readonly<Record<string, string>> = {
  ClusterIssuer: 'cert-manager',
  Bundle: 'cert-manager',
};

/** Made by the operator or the cluster itself in every namespace. */
const EVERYWHERE: ReadonlySet<string> = new Set(['ServiceAccount/default', 'ConfigMap/kube-root-ca.crt']);

/** All objects that an object names and cannot work without; optional references are none. */
export function referencesOf(manifest: Manifest): Reference[] {
  const found: Reference[] = [];
  const namespace = manifest.metadata.namespace ?? OPERATOR_NAMESPACE[manifest.kind];
  const add = (kind: string, name: unknown, field: string): void => {
    if (typeof name !== 'string' || EVERYWHERE.has(`${kind}/${name}`)) return;
    found.push({ to: identify(kind, kind === 'PriorityClass' ? undefined : namespace, name), field });
  };
  const walk = (value: unknown, field: string): void => {
    if (Array.isArray(value)) return value.forEach((item, index) => walk(item, `${field}[${index}]`));
    if (!isFields(value) || value['optional'] === true) return;
    for (const [key, child] of Object.entries(value)) {
      const at = `${field}.${key}`;
      if (isMade(manifest, at)) continue;
      const named =
        NAME_FIELDS[key] ?? (typeof child === 'string' && /Secret$/.test(key) ? 'Secret' : undefined);
      if (typeof child === 'string' && named) add(named, child, at);
      if (!isFields(child)) {
        walk(child, at);
        continue;
      }
      const special = SPECIAL[key]?.(child, namespace);
      if (special !== undefined) found.push({ to: special, field: at });
      const kind = OBJECT_FIELDS[key];
      if (kind) add(kind, child['name'], `${at}.name`);
      walk(child, at);
    }
  };
  if (manifest.kind !== 'CustomResourceDefinition' && manifest.kind !== 'Application')
    walk(withoutMetadata(manifest), '');
  return found;
}

/** What comes to exist because of an object, itself included. */
export function providedBy(manifest: Manifest, namespaces: readonly string[]): string[] {
  const { kind, metadata } = manifest;
  const { name, namespace } = metadata;
  const own = identify(kind, namespace, name);
  const made = metadata.annotations?.[MAKES]?.split(',') ?? [];
  return [own, ...made, ...(MAKERS[kind]?.(manifest, namespaces) ?? [])];
}

/** Objects that operators make of custom resources. */
const MAKERS: Readonly<Record<string, (manifest: Manifest, namespaces: readonly string[]) => string[]>> = {
  Certificate: (manifest) => {
    const { secretName } = spec<{ secretName: string }>(manifest);
    return [identify('Secret', manifest.metadata.namespace, secretName)];
  },
  ExternalSecret: (manifest) => {
    const { target } = spec<{ target?: { name?: string } }>(manifest);
    return [identify('Secret', manifest.metadata.namespace, target?.name ?? manifest.metadata.name)];
  },
  Bundle: ({ metadata: { name } }, namespaces) =>
    namespaces.flatMap((namespace) => ['ConfigMap', 'Secret'].map((kind) => identify(kind, namespace, name))),
  Cluster: ({ metadata: { name, namespace } }) => [
    ...['superuser', 'app'].map((user) => identify('Secret', namespace, `${name}-${user}`)),
    identify('ServiceAccount', namespace, name),
    ...['rw', 'ro', 'r'].map((kind) => identify('Service', namespace, `${name}-${kind}`)),
  ],
};

/** Fields that name what the object makes, not what it needs. */
function isMade({ kind }: Manifest, field: string): boolean {
  if (kind === 'Certificate') return field === '.spec.secretName';
  if (kind === 'ExternalSecret') return field.startsWith('.spec.target');
  return kind === 'Bundle' && field.startsWith('.spec.target');
}

function withoutMetadata(manifest: Manifest): Fields {
  return Object.fromEntries(Object.entries(manifest).filter(([key]) => key !== 'metadata'));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
