import { didYouMean } from '../config/check';
import { OPERATOR_NAMES, operatorChart } from '../constructs/platform-operators/operators';
import { spec } from '../constructs/platform/workloads';
import { Inventory, inventoryOf } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import { Reference, referencesOf } from '../synth/references';
import type { Finding, Guarantee } from './guarantee';
import { declaredInputs, GIVEN_NAMESPACES, isGiven } from './inputs';

/**
 * Whatever an object names is there when it is applied: made by the platform, by one of its operators or jobs, by
 * Kubernetes itself, or declared as an input in the environment's file.
 */
export const references: Guarantee = {
  name: 'references',
  check: (platform) => {
    const inventory = inventoryOf(platform);
    const inputs = declaredInputs(platform);
    const named = platform.objects.map((object) => ({ object, needs: referencesOf(object.manifest) }));
    const findings = named.flatMap(({ object, needs }) =>
      needs.flatMap((reference) => missing(object, reference, inventory, inputs)),
    );
    const count = named.reduce((sum, { needs }) => sum + needs.length, 0);
    return {
      findings: [...findings, ...homeless(platform, inventory), ...foreign(platform)],
      facts: [
        { subject: 'objects named by other objects', figure: `${count}, all of them there` },
        { subject: 'objects taken as given', figure: [...inputs.keys()].sort().join(', ') },
      ],
    };
  },
};

function missing(
  { path, manifest }: PlatformObject,
  { to, field, keys }: Reference,
  { provided }: Inventory,
  inputs: ReadonlyMap<string, string>,
): Finding[] {
  const found = provided.get(to);
  const subject = `${manifest.kind} ${manifest.metadata.name}: ${field} names`;
  if (found) {
    return keys
      .filter((key) => found.keys && !found.keys.includes(key))
      .map((key) => ({
        path,
        cause: `${subject} key "${key}" of ${to}, which has ${list(found.keys)}`,
        remedy: `name one of its keys${didYouMean(key, found.keys ?? [])}`,
      }));
  }
  if (inputs.has(to) || isGiven(to)) return [];
  return [
    {
      path,
      cause: `${subject} ${to}, which nothing makes`,
      remedy:
        `make it, or name what is made${nearest(to, [...provided.keys(), ...inputs.keys()])}; ` +
        'what somebody else makes is declared by a value in config/, listed in guarantees/inputs.ts',
    },
  ];
}

/** The same name in another namespace, or a similar one in the same. */
function nearest(to: string, identities: readonly string[]): string {
  const split = to.lastIndexOf('/') + 1;
  const name = to.slice(split);
  const kind = to.slice(0, to.indexOf('/') + 1);
  const twin = identities.find((other) => other.startsWith(kind) && other.endsWith(`/${name}`));
  if (twin) return `; there is ${twin}`;
  const neighbours = identities.filter((other) => other.startsWith(to.slice(0, split)));
  return didYouMean(
    name,
    neighbours.map((other) => other.slice(split)),
  );
}

/** Objects in a namespace that neither the platform nor an operator makes. */
function homeless(platform: Platform, { objects }: Inventory): Finding[] {
  return platform.objects.flatMap(({ path, manifest: { kind, metadata } }) => {
    const { namespace, name } = metadata;
    if (namespace === undefined || GIVEN_NAMESPACES.has(namespace) || objects.has(`Namespace/${namespace}`)) {
      return [];
    }
    const known = [...GIVEN_NAMESPACES, ...platform.objects.flatMap(namespaceName)];
    return [
      {
        path,
        cause: `${kind} ${name} lies in namespace ${namespace}, which nothing makes`,
        remedy: `build it inside PlatformNamespaces.add('${namespace}')${didYouMean(namespace, known)}`,
      },
    ];
  });
}

function namespaceName({ manifest: { kind, metadata } }: PlatformObject): string[] {
  return kind === 'Namespace' ? [metadata.name] : [];
}

/** API groups that every supported Kubernetes serves. */
const KUBERNETES_GROUPS: ReadonlySet<string> = new Set([
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apps',
  'autoscaling',
  'batch',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

/** Argo CD applies everything here, so it is there. */
const DELIVERY_GROUP = 'argoproj.io';

/** Whether a group comes with the cluster, for its configuration says so. */
const COMES_ALONG: Readonly<Record<string, (platform: Platform) => boolean>> = {
  'autoscaling.k8s.io': ({ cluster }) => cluster.verticalPodAutoscaler === true,
  'gateway.networking.k8s.io': ({ environment }) => environment.edge.entry?.kind === 'gateway',
};

/** Custom resources whose definition nobody installs. */
function foreign(platform: Platform): Finding[] {
  const { objects, cluster } = platform;
  const charts = new Set(
    objects.flatMap(({ manifest }) =>
      manifest.kind === 'Application' ? (spec<ApplicationSpec>(manifest).source?.chart ?? []) : [],
    ),
  );
  const defined = new Set(
    objects.flatMap(({ manifest }) =>
      manifest.kind === 'CustomResourceDefinition' ? spec<{ group: string }>(manifest).group : [],
    ),
  );
  return objects.flatMap(({ path, manifest: { apiVersion, kind, metadata } }) => {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    if (KUBERNETES_GROUPS.has(group) || group === DELIVERY_GROUP || defined.has(group)) return [];
    if (COMES_ALONG[group]?.(platform)) return [];
    const operator = OPERATOR_NAMES.find((name) => operatorChart(name).groups.includes(group));
    const cause = `${kind} ${metadata.name} is of API group ${group}`;
    if (!operator) {
      return [
        {
          path,
          cause: `${cause}, which no operator of the platform serves`,
          remedy: 'add the operator to constructs/platform-operators/operators.ts, with this group',
        },
      ];
    }
    if (cluster.installed?.includes(operator) || charts.has(operatorChart(operator).chart)) return [];
    return [
      {
        path,
        cause: `${cause}, and its operator ${operator} is not installed`,
        remedy: `install it with PlatformOperators, or list it under clusters[].installed in config/`,
      },
    ];
  });
}

interface ApplicationSpec {
  readonly source?: { readonly chart?: string };
}

function list(keys: readonly string[] = []): string {
  return keys.length > 0 ? keys.join(', ') : 'none';
}
