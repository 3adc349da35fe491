import { setTimeout as sleep } from 'node:timers/promises';
import { POLICIES, policyName } from '../constructs/admission-policies';
import type { Manifest } from '../constructs/platform/manifest';
import type { PodSpec, PodTemplateSpec, ValidatingAdmissionPolicySpec } from '../imports/k8s';
import { identityOf } from '../synth/references';
import { type Cluster, Refusal } from './cluster';
import { type Mistake, MISTAKES } from './mistakes';
import type { Finding, Seen } from './report';
import { makesPods, podOf } from './templates';

/** Seconds that the controller which reads policies has to say what it thinks of them. */
const READ_SECONDS = 30;

/**
 * Holds the policies of pods against a real API server: it understands each of them; every pod of the platform is let through;
 * with any mistake in it it is refused, by the policy that is there for that.
 *
 * @param manifests of the platform, and what operators make of them
 */
export async function inspectAdmission(cluster: Cluster, manifests: readonly Manifest[]): Promise<Seen> {
  const policies = manifests.filter(
    ({ kind, metadata }) =>
      kind === 'ValidatingAdmissionPolicy' && POLICIES.some((name) => policyName(name) === metadata.name),
  );
  const findings = (await Promise.all(policies.map((policy) => warningsOf(cluster, policy)))).flat();
  const restricted = new Set(
    manifests.flatMap(({ kind, metadata }) =>
      kind === 'Namespace' && metadata.labels?.['pod-security.kubernetes.io/enforce'] === 'restricted'
        ? metadata.name
        : [],
    ),
  );
  const may = exceptionsIn(policies);
  const tried = { pods: 0, refused: 0 };
  const say = (manifest: Manifest, message: string): void => {
    findings.push({ name: identityOf(manifest), message });
  };
  for (const manifest of manifests.filter(makesPods)) {
    const pod = podOf(manifest);
    if (!pod) continue;
    tried.pods += 1;
    const said = await refusalOf(cluster, pod);
    // Where all that there may be of it is there, quota is what refuses one more: it is asked last.
    if (said !== undefined && !said.includes('exceeded quota'))
      say(manifest, `its pods are refused: ${said}`);
    for (const mistake of MISTAKES) {
      if (mistake.control !== undefined && may(pod).includes(mistake.control)) continue;
      const isAskedBefore = mistake.isAskedBefore === true && restricted.has(pod.metadata.namespace ?? '');
      const wrong = fault(mistake, await refusalOf(cluster, mistake.in(pod)), isAskedBefore);
      if (wrong !== undefined) say(manifest, wrong);
      tried.refused += 1;
    }
    const wrong = await looseTemplate(cluster, manifest);
    if (wrong !== undefined) say(manifest, wrong);
    tried.refused += 1;
  }
  const debugged = await debugging(cluster);
  return {
    seen: `${tried.pods} pods let through; refused, by name: ${tried.refused} with a mistake each, ${debugged.tried} containers for debugging`,
    findings: [...findings, ...debugged.findings],
  };
}

/** What is wrong with how a mistake was taken. */
function fault(
  { name, policy, says }: Mistake,
  said: string | undefined,
  isAskedBefore: boolean,
): string | undefined {
  if (said === undefined) return `${name}: its pods are let through all the same`;
  const isNamed = said.includes(`'${policyName(policy)}'`) && said.includes(says);
  if (isNamed || (isAskedBefore && said.includes('violates PodSecurity'))) return undefined;
  return `${name}: refused, but not by ${policyName(policy)}: ${said}`;
}

/** What its controller has against a policy: expressions of fields that are none, of values of another type. */
async function warningsOf(cluster: Cluster, policy: Manifest): Promise<Finding[]> {
  const end = performance.now() + READ_SECONDS * 1000;
  for (;;) {
    const live = await cluster.get(policy);
    const { observedGeneration, typeChecking } = (live?.['status'] ?? {}) as Status;
    if (observedGeneration === live?.metadata.generation)
      return (typeChecking?.expressionWarnings ?? []).map(({ fieldRef, warning }) => ({
        name: identityOf(policy),
        message: `${fieldRef}: ${warning}`,
      }));
    if (performance.now() > end)
      return [{ name: identityOf(policy), message: `was not read within ${READ_SECONDS} s` }];
    await sleep(200);
  }
}

interface Status {
  readonly observedGeneration?: number;
  readonly typeChecking?: {
    readonly expressionWarnings?: readonly { readonly fieldRef: string; readonly warning: string }[];
  };
}

/** What the policy itself lets the pods of an account do. */
function exceptionsIn(policies: readonly Manifest[]): (pod: Manifest) => readonly string[] {
  const [own] = policies.filter(({ metadata }) => metadata.name === policyName('privileges'));
  const { variables = [] } = (own?.['spec'] ?? {}) as ValidatingAdmissionPolicySpec;
  const text = variables.find(({ name }) => name === 'exceptions')?.expression ?? '{}';
  const table = JSON.parse(text) as Readonly<Record<string, readonly string[]>>;
  return ({ metadata: { namespace }, ...pod }) => {
    const { serviceAccountName = 'default' } = pod['spec'] as PodSpec;
    return table[`${namespace}/${serviceAccountName}`] ?? [];
  };
}

/** Asks for a pod, or what makes some, without keeping it: what is said against it. */
async function refusalOf(cluster: Cluster, manifest: Manifest): Promise<string | undefined> {
  const { name } = await cluster.resource(manifest.apiVersion, manifest.kind);
  const root = manifest.apiVersion.includes('/')
    ? `/apis/${manifest.apiVersion}`
    : `/api/${manifest.apiVersion}`;
  return saidBy(cluster, 'POST', `${root}/namespaces/${manifest.metadata.namespace}/${name}`, manifest);
}

async function saidBy(
  cluster: Cluster,
  method: string,
  path: string,
  body: unknown,
  contentType?: string,
): Promise<string | undefined> {
  try {
    await cluster.request(method, path, {
      query: { dryRun: 'All' },
      body,
      ...(contentType ? { contentType } : {}),
    });
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

/** The same object under another name, none of its containers bounded. */
async function looseTemplate(cluster: Cluster, manifest: Manifest): Promise<string | undefined> {
  const { template, jobTemplate } = manifest['spec'] as Templates;
  // A CronJob is asked when it makes a Job.
  const kind = jobTemplate ? { apiVersion: 'batch/v1', kind: 'Job' } : {};
  const spec = { ...(jobTemplate?.spec ?? (manifest['spec'] as Templates)) };
  const { metadata, spec: pod } = jobTemplate?.spec.template ?? template ?? {};
  if (!pod) return undefined;
  const loose = { ...pod, containers: pod.containers.map((container) => ({ ...container, resources: {} })) };
  const { namespace } = manifest.metadata;
  const said = await refusalOf(cluster, {
    ...manifest,
    ...kind,
    metadata: { name: 'loose', namespace },
    spec: { ...spec, template: { metadata, spec: loose } },
  });
  if (said?.includes(`'${policyName('resources')}'`)) return undefined;
  return `no requests and limits: not refused by ${policyName('resources')}: ${said ?? 'it is let through'}`;
}

interface Templates {
  readonly template?: PodTemplateSpec;
  readonly jobTemplate?: { readonly spec: { readonly template: PodTemplateSpec } };
}

/** A pod that runs, one container more in it to debug with: of the platform's images alone. */
async function debugging(cluster: Cluster): Promise<{ tried: number; findings: Finding[] }> {
  const [pod] = await cluster.list('v1', 'Pod', 'redis');
  if (!pod) return { tried: 0, findings: [] };
  const { containers } = pod['spec'] as PodSpec;
  const container = (image: string | undefined, securityContext: unknown) => ({
    spec: { ephemeralContainers: [{ name: 'debugger', image, securityContext }] },
  });
  const path = `${await cluster.pathOf(pod)}/ephemeralcontainers`;
  const ask = (body: unknown): Promise<string | undefined> =>
    saidBy(cluster, 'PATCH', path, body, 'application/strategic-merge-patch+json');
  const [first] = containers;
  const own = await ask(container(first?.image, first?.securityContext));
  const foreign = await ask(container('registry.invalid/team/tool:1.2.3', first?.securityContext));
  const findings = [
    ...(own === undefined ? [] : [`a container for debugging of its own image is refused: ${own}`]),
    ...(foreign?.includes(`'${policyName('images')}'`)
      ? []
      : [`a container for debugging of another registry: ${foreign ?? 'it is let through'}`]),
  ];
  return { tried: 1, findings: findings.map((message) => ({ name: identityOf(pod), message })) };
}
