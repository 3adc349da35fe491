import { POLICIES, policyName } from '../constructs/admission-policies';
import { operatorChart, operatorsFor } from '../constructs/platform-operators/operators';
import { accountOf, containersOf, spec } from '../constructs/platform/workloads';
import type { ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec } from '../imports/k8s';
import { inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import { identify, identityOf } from '../synth/references';
import type { Finding, Guarantee } from './guarantee';
import { deviationsIn } from './privileges';

/**
 * The cluster lets through what the platform has, and no more: the policies of pods refuse where they cannot be asked, are at
 * work in every namespace with pods, and their tables hold each image, privilege and token that a pod needs and none that no
 * pod needs. Whether the API server reads them so is tried by `npm run accept`.
 */
export const admission: Guarantee = {
  name: 'admission',
  check: (platform) => {
    const needs = needsOf(platform);
    const tables = Object.entries(needs).flatMap(([table, { policy, needed }]) => {
      const there = tableIn(platform, policy, table);
      return there === undefined ? [] : differences(policy, table, needed, there);
    });
    return {
      findings: [
        ...POLICIES.flatMap((name) => atWork(platform, policyName(name))),
        ...tables,
        ...unlabelled(platform),
      ],
      facts: Object.entries(needs).map(([table, { needed }]) => ({
        subject: `${table} that are let through`,
        figure: String(needed.size),
      })),
    };
  },
};

/** What a table of a policy must hold, one entry each: `account: value`, or the value alone. */
interface Need {
  readonly policy: string;
  readonly needed: ReadonlySet<string>;
}

function needsOf(platform: Platform): Readonly<Record<string, Need>> {
  const { pods } = inventoryOf(platform);
  const by = (values: (source: PodSource) => readonly string[]): Set<string> =>
    new Set(pods.flatMap((source) => values(source).map((value) => `${account(source)}: ${value}`)));
  const deviations = deviationsIn(platform);
  return {
    repositories: { policy: policyName('images'), needed: new Set(repositoriesOf(platform)) },
    exceptions: {
      policy: policyName('privileges'),
      needed: by(({ object }) =>
        deviations
          .filter((each) => each.object === identityOf(object.manifest) && each.control !== 'API token')
          .map(({ control }) => control),
      ),
    },
    paths: {
      policy: policyName('privileges'),
      needed: by(({ workload: { pod } }) =>
        (pod?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []),
      ),
    },
    added: {
      policy: policyName('privileges'),
      needed: by(({ workload: { pod } }) =>
        (pod ? containersOf(pod) : []).flatMap(
          ({ securityContext }) => securityContext?.capabilities?.add ?? [],
        ),
      ),
    },
    tokens: { policy: policyName('identity'), needed: by(audiencesOf) },
  };
}

function account({ workload, namespace }: PodSource): string {
  return `${namespace}/${accountOf(workload)}`;
}

function audiencesOf({ workload: { pod } }: PodSource): string[] {
  const mounted = (pod?.volumes ?? []).flatMap(({ projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken: token }) =>
      token ? (token.audience ?? '') : [],
    ),
  );
  return [...(pod?.automountServiceAccountToken === false ? [] : ['']), ...mounted];
}

function repositoriesOf(platform: Platform): string[] {
  const named = inventoryOf(platform).pods.flatMap(({ workload: { manifest, pod } }) => {
    const { imageName, pgbouncer } = spec<{ imageName?: string; pgbouncer?: { image?: string } }>(manifest);
    const all = [...(pod ? containersOf(pod) : []).map(({ image }) => image), imageName, pgbouncer?.image];
    return all.flatMap((image) => /^[^@]+?(?=(:[^:/@]*)?(@|$))/.exec(image ?? '')?.[0] ?? []);
  });
  const groups = platform.objects.map(({ manifest: { apiVersion } }) => apiVersion.replace(/\/?[^/]*$/, ''));
  const operators = operatorsFor(new Set(groups));
  return [...named, ...operators.flatMap((name) => operatorChart(name).injects ?? [])];
}

/** A table as the policy has it, one entry each; undefined where there is no such policy. */
function tableIn(platform: Platform, policy: string, table: string): Set<string> | undefined {
  const found = inventoryOf(platform).objects.get(identify('ValidatingAdmissionPolicy', undefined, policy));
  if (!found) return undefined;
  const { variables = [] } = spec<ValidatingAdmissionPolicySpec>(found.manifest);
  const text = variables.find(({ name }) => name === table)?.expression ?? '[]';
  const value = JSON.parse(text) as readonly string[] | Readonly<Record<string, readonly string[]>>;
  return new Set(
    Object.entries(value).flatMap(([who, values]: [string, string | readonly string[]]) =>
      typeof values === 'string' ? values : values.map((each) => `${who}: ${each}`),
    ),
  );
}

function differences(
  policy: string,
  table: string,
  needed: ReadonlySet<string>,
  there: ReadonlySet<string>,
): Finding[] {
  const path = `ValidatingAdmissionPolicy ${policy}`;
  return [
    ...missing(needed, there).map((each) => ({
      path,
      cause: `pods need "${each}", which is not in its table ${table}: the API server would refuse them`,
      remedy: 'have constructs/admission-policies/tables.ts find it, a privilege by its entry in the ledger',
    })),
    ...missing(there, needed).map((each) => ({
      path,
      cause: `its table ${table} lets "${each}" through, which no pod needs`,
      remedy: 'remove it from the table, a privilege from the ledger',
    })),
  ];
}

function missing(wanted: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  return [...wanted].filter((each) => !there.has(each));
}

/** Whether a policy is there, refuses, and is asked in every namespace with pods. */
function atWork(platform: Platform, name: string): Finding[] {
  const { objects, pods } = inventoryOf(platform);
  const path = `ValidatingAdmissionPolicy ${name}`;
  const policy = objects.get(identify('ValidatingAdmissionPolicy', undefined, name));
  const binding = objects.get(identify('ValidatingAdmissionPolicyBinding', undefined, name));
  if (!policy || !binding) {
    const cause = `there is no ${policy ? 'binding' : 'policy'} ${name}: nothing of it is asked`;
    return [{ path, cause, remedy: 'build AdmissionPolicies' }];
  }
  const { failurePolicy } = spec<ValidatingAdmissionPolicySpec>(policy.manifest);
  const { validationActions = [], matchResources } = spec<ValidatingAdmissionPolicyBindingSpec>(
    binding.manifest,
  );
  const [selected] = matchResources?.namespaceSelector?.matchExpressions ?? [];
  const bound = new Set(selected?.values ?? []);
  const open = missing(new Set(pods.map(({ namespace }) => namespace)), bound);
  return [
    ...(failurePolicy === 'Fail' && validationActions.includes('Deny')
      ? []
      : [
          {
            path,
            cause: `failurePolicy ${failurePolicy}, validationActions ${validationActions.join(', ')}: it refuses nothing, or not always`,
            remedy: 'write failurePolicy: Fail, and Deny among the actions',
          },
        ]),
    ...open.map((namespace) => ({
      path,
      cause: `namespace ${namespace} has pods, and its binding does not select it`,
      remedy: 'make the namespace with PlatformNamespaces.add',
    })),
  ];
}

const LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component'];

function unlabelled(platform: Platform): Finding[] {
  return inventoryOf(platform).pods.flatMap(({ object, workload: { labels } }) => {
    const absent = LABELS.filter((label) => !labels[label]);
    if (absent.length === 0) return [];
    return [
      {
        path: object.path,
        cause: `pods of ${identityOf(object.manifest)} have no label ${absent.join(', ')}: ${policyName('identity')} would refuse them`,
        remedy: 'put connections.podLabels on the pod template',
      },
    ];
  });
}
