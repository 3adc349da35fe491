import type { Manifest } from '../constructs/platform/manifest';
import { containersOf, spec } from '../constructs/platform/workloads';
import { inventoryOf, PodSource } from '../synth/inventory';
import { identityOf } from '../synth/references';
import type { Platform, PlatformObject } from '../synth/platform';
import { fileName } from '../synth/print';
import type { Finding, Guarantee } from './guarantee';

/**
 * Names, labels, annotations and sizes are what Kubernetes takes, every object is there once, and every file can lie
 * beside the others on any file system.
 */
export const names: Guarantee = {
  name: 'names',
  check: (platform) => ({
    findings: [
      ...twice(platform),
      ...platform.objects.flatMap((object) =>
        objections(object).map(([cause, remedy]) => ({ path: object.path, cause, remedy })),
      ),
      ...inventoryOf(platform).pods.flatMap(inPods),
    ],
    facts: [
      {
        subject: 'objects, each once, with names that Kubernetes takes',
        figure: String(platform.objects.length),
      },
    ],
  }),
};

/** A cause and a remedy. */
type Objection = readonly [string, string];

/** The same object twice, in one phase or in two, and files that some file systems take for one. */
function twice({ objects }: Platform): Finding[] {
  const byIdentity = new Map<string, PlatformObject>();
  const byFile = new Map<string, PlatformObject>();
  return objects.flatMap((object) => {
    const { path, phase, manifest } = object;
    const identity = `${manifest.apiVersion.split('/').slice(0, -1).join('')} ${identityOf(object.manifest)}`;
    const file = `${phase}/${fileName(manifest)}`;
    const twin = byIdentity.get(identity);
    const neighbour = byFile.get(file.toLowerCase());
    byIdentity.set(identity, object);
    byFile.set(file.toLowerCase(), object);
    if (twin) {
      return [
        {
          path,
          cause: `${identityOf(object.manifest)} is made by ${twin.path} too`,
          remedy: 'give one of them another id',
        },
      ];
    }
    if (neighbour) {
      const cause = `${file} and ${fileName(neighbour.manifest)} are one file where case does not count`;
      return [{ path, cause, remedy: 'give one of them another id' }];
    }
    return [];
  });
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** The same, beginning with a letter. */
const OLD_LABEL = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;
const VARIABLE = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const FILE_KEY = /^[-._a-zA-Z0-9]{1,253}$/;

interface Rule {
  readonly pattern: RegExp;
  readonly what: string;
}

const ANY_NAME: Rule = { pattern: SUBDOMAIN, what: 'lowercase letters, digits, dashes and dots' };

/** Kinds whose names Kubernetes or their operator holds to more than a DNS subdomain. */
const RULES: Readonly<Record<string, Rule>> = {
  Namespace: { pattern: LABEL, what: 'a DNS label' },
  Service: { pattern: OLD_LABEL, what: 'a DNS label that begins with a letter' },
  // Pods carry the name and a revision of 11 characters in a label of 63.
  StatefulSet: {
    pattern: /^(?=.{1,52}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    what: 'a DNS label of at most 52 characters',
  },
  // Jobs made of it get 11 characters more.
  CronJob: {
    pattern: /^(?=.{1,52}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    what: 'a DNS label of at most 52 characters',
  },
  // Pods carry the name in a label.
  Job: { pattern: LABEL, what: 'a DNS label' },
  Deployment: { pattern: LABEL, what: 'a DNS label' },
  // CloudNativePG 1.30, internal/webhook/v1/cluster_webhook.go: the names of Services and pods are made of it.
  Cluster: {
    pattern: /^(?=.{1,50}$)[a-z]([-a-z0-9]*[a-z0-9])?$/,
    what: 'a DNS label of at most 50 characters',
  },
  Pooler: { pattern: OLD_LABEL, what: 'a DNS label that begins with a letter, for its Service' },
  // Path segments, not DNS names; a colon would be no file name on Windows.
  ...Object.fromEntries(
    ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].map((kind) => [kind, ANY_NAME]),
  ),
};

/** Kubernetes' limits: 256 KiB of annotations, 1 MiB of data. */
const MAX_ANNOTATIONS = 256 * 1024;
const MAX_DATA = 1024 * 1024;

function objections({ manifest }: PlatformObject): Objection[] {
  const { kind, metadata } = manifest;
  const { pattern, what } = RULES[kind] ?? ANY_NAME;
  const subject = `${kind} ${metadata.name}`;
  const found: Objection[] = [];
  if (!pattern.test(metadata.name)) {
    found.push([
      `name of ${subject} (${metadata.name.length} characters) must be ${what}`,
      'change an id, or shorten it',
    ]);
  }
  if (metadata.namespace !== undefined && !LABEL.test(metadata.namespace)) {
    found.push([
      `namespace "${metadata.namespace}" of ${subject} must be a DNS label`,
      'change the id of the namespace',
    ]);
  }
  const keys = [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})];
  found.push(...keys.flatMap((key) => badKey(subject, key)));
  found.push(...badValues(subject, metadata.labels));
  const bytes = sizeOf(metadata.annotations);
  if (bytes > MAX_ANNOTATIONS) {
    found.push([
      `annotations of ${subject} have ${bytes} bytes, at most ${MAX_ANNOTATIONS} are taken`,
      'say it elsewhere',
    ]);
  }
  if (kind === 'ConfigMap') found.push(...badData(manifest));
  if (kind === 'Service') found.push(...badPorts(manifest));
  return found;
}

function badData(manifest: Manifest): Objection[] {
  const data = { ...(manifest['data'] ?? {}), ...(manifest['binaryData'] ?? {}) } as Readonly<
    Record<string, string>
  >;
  const subject = `ConfigMap ${manifest.metadata.name}`;
  const found = Object.keys(data)
    .filter((key) => !FILE_KEY.test(key))
    .map((key): Objection => [
      `key "${key}" of ${subject} must be letters, digits, ".", "_" and "-"`,
      'rename the file',
    ]);
  const bytes = sizeOf(data);
  if (bytes > MAX_DATA) {
    found.push([
      `${subject} has ${bytes} bytes, at most ${MAX_DATA} are taken`,
      'split it into several ConfigFiles',
    ]);
  }
  return found;
}

function badPorts(manifest: Manifest): Objection[] {
  const { ports = [] } = spec<{ ports?: readonly { readonly name?: string }[] }>(manifest);
  const subject = `Service ${manifest.metadata.name}`;
  if (ports.length > 1 && new Set(ports.map(({ name }) => name)).size < ports.length) {
    return [
      [`${subject} has several ports that are not told apart by their names`, 'give each its own name'],
    ];
  }
  return ports.flatMap(({ name }): Objection[] =>
    name === undefined || LABEL.test(name)
      ? []
      : [[`port "${name}" of ${subject} must be a DNS label`, 'rename the port']],
  );
}

function sizeOf(fields: Readonly<Record<string, string>> = {}): number {
  return Object.entries(fields).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
}

function badKey(subject: string, key: string): Objection[] {
  const slash = key.indexOf('/');
  const isGood = LABEL_NAME.test(key.slice(slash + 1)) && (slash < 0 || SUBDOMAIN.test(key.slice(0, slash)));
  if (isGood) return [];
  return [
    [
      `label or annotation "${key}" of ${subject} must be PREFIX/NAME, a name of at most 63 characters`,
      'rename it',
    ],
  ];
}

function badValues(subject: string, labels: Readonly<Record<string, string>> = {}): Objection[] {
  return Object.entries(labels)
    .filter(([, value]) => !LABEL_VALUE.test(value))
    .map(([key, value]) => [
      `label ${key}=${value} of ${subject} must be at most 63 letters, digits, "-", "_" and ".", got ${value.length}`,
      'shorten it',
    ]);
}

/** Names inside pods: of containers, volumes, ports and variables, and labels of the template. */
function inPods({ object: { path, manifest }, workload: { pod, labels } }: PodSource): Finding[] {
  const subject = `${manifest.kind} ${manifest.metadata.name}`;
  const found = [
    ...Object.keys(labels).flatMap((key) => badKey(subject, key)),
    ...badValues(subject, labels),
  ];
  const containers = pod ? containersOf(pod) : [];
  const part = (what: string, list: readonly (string | undefined)[], rule: Rule, unique: boolean): void => {
    list.forEach((name, index) => {
      if (name === undefined) return;
      if (!rule.pattern.test(name))
        found.push([`${what} "${name}" of ${subject} must be ${rule.what}`, 'rename it']);
      if (unique && list.indexOf(name) < index)
        found.push([`${what} "${name}" of ${subject} is there twice`, 'rename one']);
    });
  };
  const label: Rule = { pattern: LABEL, what: 'a DNS label' };
  part(
    'container',
    containers.map(({ name }) => name),
    label,
    true,
  );
  part(
    'volume',
    (pod?.volumes ?? []).map(({ name }) => name),
    label,
    true,
  );
  const ports = containers.flatMap((container) => container.ports ?? []);
  part(
    'port',
    ports.map(({ name }) => name),
    { pattern: PORT_NAME, what: 'lowercase words of at most 15 characters' },
    true,
  );
  for (const { env = [] } of containers) {
    part(
      'variable',
      env.map(({ name }) => name),
      { pattern: VARIABLE, what: 'letters, digits, "_", "-" and "."' },
      true,
    );
  }
  return found.map(([cause, remedy]) => ({ path, cause, remedy }));
}
