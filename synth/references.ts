import { type Fields, isFields, type Manifest } from '../constructs/platform/manifest';

/** Another object that an object names and cannot work without. */
export interface Reference {
  /** Identity of the other object, as `Secret/redis/users-bridge`; cluster-wide ones have no namespace part. */
  readonly to: string;
  /** Where in the object, for findings. */
  readonly field: string;
  /** Keys that must be inside the other object, where it is a ConfigMap or a Secret. */
  readonly keys: readonly string[];
}

/** The identity of an object among all of a cluster. */
export function identify(kind: string, namespace: string | undefined, name: string): string {
  return namespace === undefined ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** The identity of a printed object. */
export function identityOf({ kind, metadata: { namespace, name } }: Manifest): string {
  return identify(kind, namespace, name);
}

/** A reference as a rule reads it from a field: of which kind, and in which namespace where not the object's own. */
interface Named {
  readonly kind: string;
  readonly name: unknown;
  readonly namespace?: unknown;
  readonly keys?: readonly string[];
}

/** Kinds that are named from everywhere, having no namespace. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set([
  'ClusterIssuer',
  'ClusterRole',
  'ClusterSecretStore',
  'PriorityClass',
  'StorageClass',
  'ValidatingAdmissionPolicy',
]);

/** Fields that name another object by a string, and its kind. */
const STRINGS: Readonly<Record<string, string>> = {
  secretName: 'Secret',
  serviceAccountName: 'ServiceAccount',
  claimName: 'PersistentVolumeClaim',
  priorityClassName: 'PriorityClass',
  storageClassName: 'StorageClass',
  storageClass: 'StorageClass',
  barmanObjectName: 'ObjectStore',
  policyName: 'ValidatingAdmissionPolicy',
  templateName: 'AnalysisTemplate',
  activeService: 'Service',
  previewService: 'Service',
};

/** Fields whose meaning depends on the object that they are in. */
const OF_KIND: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  StatefulSet: { serviceName: 'Service' },
  Prometheus: { serviceName: 'Service' },
  Alertmanager: { serviceName: 'Service' },
  Application: { project: 'AppProject' },
};

/** Fields that name another object by an object which says the kind, or by one whose kind only the field tells. */
const OBJECTS: Readonly<Record<string, (value: Fields) => Named | undefined>> = {
  issuerRef: ({ kind = 'Issuer', name }) => ({ kind: String(kind), name }),
  roleRef: ({ kind, name }) => (kind === undefined ? undefined : { kind: String(kind), name }),
  serviceAccountRef: ({ name, namespace }) => ({ kind: 'ServiceAccount', name, namespace }),
  // Where an operator finds whom to trust.
  caProvider: ({ type, name, namespace, key }) =>
    typeof type === 'string' ? { kind: type, name, namespace, keys: [String(key)] } : undefined,
  secretStoreRef: ({ kind = 'SecretStore', name }) => ({ kind: String(kind), name }),
  storeRef: ({ kind = 'SecretStore', name }) => ({ kind: String(kind), name }),
  authenticationRef: ({ kind = 'TriggerAuthentication', name }) => ({ kind: String(kind), name }),
  scaleTargetRef: ({ kind, name }) => ({ kind: String(kind), name }),
  targetRef: ({ kind, name }) => ({ kind: String(kind), name }),
  imageCatalogRef: ({ kind, name }) => ({ kind: String(kind), name }),
  cluster: ({ name }) => ({ kind: 'Cluster', name }),
  subjects: ({ kind, name, namespace }) =>
    kind === 'ServiceAccount' ? { kind: 'ServiceAccount', name, namespace } : undefined,
  alertmanagers: ({ name, namespace }) => ({ kind: 'Service', name, namespace }),
  parentRefs: ({ kind = 'Gateway', name, namespace }) => ({ kind: String(kind), name, namespace }),
  backendRefs: ({ kind = 'Service', name, namespace }) => ({ kind: String(kind), name, namespace }),
  service: ({ name, namespace }) => ({ kind: 'Service', name, namespace }),
};

/** `secret`, `secretRef`, `clientTLSSecret`, `imagePullSecrets`, `passwordSecretRef` … */
const SECRET = /(^s|S)ecrets?(Refs?|KeyRef|TargetRef)?$/;

/** `configMap`, `configMapKeyRef`, `configMapRefs`, `customQueriesConfigMap` … */
const CONFIG_MAP = /(^c|C)onfigMaps?(Refs?|KeyRef|TargetRef)?$/;

const kept = new Map<string, 'ConfigMap' | 'Secret' | undefined>();

/** Whether a field is about a ConfigMap or a Secret, by its name. */
function keptIn(field: string): 'ConfigMap' | 'Secret' | undefined {
  if (!kept.has(field)) {
    kept.set(field, SECRET.test(field) ? 'Secret' : CONFIG_MAP.test(field) ? 'ConfigMap' : undefined);
  }
  return kept.get(field);
}

/** What cert-manager's cluster issuers, trust-manager and Kyverno read lies in their own namespace, not in the object's. */
const OPERATOR_NAMESPACE: Readonly<Record<string, string>> = {
  ClusterIssuer: 'cert-manager',
  Bundle: 'cert-manager',
  ImageValidatingPolicy: 'kyverno',
};

/** Kinds whose contents are somebody else's language: schemas, charts' values, files. */
const OPAQUE: Readonly<Record<string, readonly string[]>> = {
  Application: ['source', 'sources'],
  ConfigMap: ['data', 'binaryData'],
  CustomResourceDefinition: ['spec'],
};

/** Fields that name what an operator makes of the object, not what the object needs. */
const MADE: Readonly<Record<string, string>> = {
  Bundle: 'spec.target',
  Certificate: 'spec.secretName',
  ClusterIssuer: 'spec.acme.privateKeySecretRef',
  ExternalSecret: 'spec.target',
  Issuer: 'spec.acme.privateKeySecretRef',
};

const cache = new WeakMap<object, readonly Reference[]>();

/** All objects that an object names and cannot work without; optional references are none. */
export function referencesOf(manifest: Manifest): readonly Reference[] {
  // Labels and waves are put on after the waves were computed from these very references; the spec stays what it was.
  const { spec } = manifest;
  const source = isFields(spec) ? spec : manifest;
  const known = cache.get(source);
  if (known) return known;
  const found: Reference[] = [];
  const namespace = manifest.metadata.namespace ?? OPERATOR_NAMESPACE[manifest.kind];
  const opaque = OPAQUE[manifest.kind] ?? [];
  const made = MADE[manifest.kind];
  const add = (named: Named, field: string): void => {
    if (typeof named.name !== 'string' || named.name === '') return;
    const own = typeof named.namespace === 'string' ? named.namespace : namespace;
    const to = identify(named.kind, CLUSTER_WIDE.has(named.kind) ? undefined : own, named.name);
    found.push({ to, field, keys: named.keys ?? [] });
  };
  const walk = (value: unknown, key: string, field: string): void => {
    if (Array.isArray(value)) {
      value.forEach((item, index) => walk(item, key, `${field}[${index}]`));
      return;
    }
    const named = namedBy(manifest.kind, key, value);
    if (named) add(named, field);
    if (!isFields(value)) return;
    for (const [name, child] of Object.entries(value)) {
      const at = `${field}.${name}`;
      const isRead = key === 'secret' && name === 'secretName';
      if (!isRead && !opaque.includes(name) && isNeeded(child) && (made === undefined || at !== made)) {
        walk(child, name, at);
      }
    }
  };
  for (const [name, value] of Object.entries(manifest)) {
    if (name !== 'metadata' && !opaque.includes(name)) walk(value, name, name);
  }
  cache.set(source, found);
  return found;
}

/** What one field names, by its name and the shape of its value. */
function namedBy(kind: string, key: string, value: unknown): Named | undefined {
  if (typeof value === 'string') {
    const named = STRINGS[key] ?? OF_KIND[kind]?.[key];
    if (named) return { kind: named, name: value };
    const holder = keptIn(key);
    return holder && { kind: holder, name: value };
  }
  if (!isFields(value)) return undefined;
  const special = OBJECTS[key]?.(value);
  if (special) return special;
  const keys = keysIn(value);
  const holder = keptIn(key);
  if (holder === 'ConfigMap') return { kind: 'ConfigMap', name: value['name'], keys };
  // A name and a key and nothing else select from a Secret, whatever the field is called.
  const selects =
    typeof value['key'] === 'string' && Object.keys(value).every((field) => SELECTOR.has(field));
  // Volumes say `secretName`; it is read here, where the keys are.
  const { name = value['secretName'] } = value;
  return holder === 'Secret' || selects
    ? { kind: 'Secret', name, namespace: value['namespace'], keys }
    : undefined;
}

const SELECTOR: ReadonlySet<string> = new Set(['name', 'key', 'namespace', 'optional']);

/** The keys that a reference to a ConfigMap or Secret picks: one, or those of its items. */
function keysIn({ key, items }: Fields): string[] {
  const picked = Array.isArray(items) ? items.map((item: Fields) => item['key']) : [];
  return [key, ...picked].filter((each) => typeof each === 'string');
}

function isNeeded(value: unknown): boolean {
  return !isFields(value) || value['optional'] !== true;
}
