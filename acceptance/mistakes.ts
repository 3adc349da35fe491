import type { PolicyName } from '../constructs/admission-policies';
import type { Manifest } from '../constructs/platform/manifest';
import type { Container, PodSpec, SecurityContext } from '../imports/k8s';

/** What is wrong with a pod, and which policy must say so. */
export interface Mistake {
  readonly name: string;
  readonly policy: PolicyName;
  /** What the ledger of privileges calls it: pods that may are left out. */
  readonly control?: string;
  /** Whether Pod Security refuses it as well, where it is strict, and is asked before. */
  readonly isAskedBefore?: true;
  /** A rule of the policy's messages. */
  readonly says: string;
  readonly in: (pod: Manifest) => Manifest;
}

const specOf = (pod: Manifest): PodSpec => pod['spec'] as PodSpec;

const inSpec =
  (change: (spec: PodSpec) => PodSpec) =>
  (pod: Manifest): Manifest => ({ ...pod, spec: change(specOf(pod)) });

const inContainer = (change: (container: Container) => Container) =>
  inSpec((spec) => ({
    ...spec,
    containers: spec.containers.map((each, index) => (index === 0 ? change(each) : each)),
  }));

const image = (change: (image: string) => string) =>
  inContainer((container) => ({ ...container, image: change(container.image ?? '') }));

const secured = (own: SecurityContext) =>
  inContainer((container) => ({ ...container, securityContext: { ...container.securityContext, ...own } }));

const volume = (name: string, source: object) =>
  inSpec((spec) => ({ ...spec, volumes: [...(spec.volumes ?? []), { name, ...source }] }));

const withoutTag = (reference: string): string => reference.replace(/(:[^:/]*)?(@.*)?$/, '');

const images = (name: string, says: string, of: (reference: string) => string): Mistake => ({
  name,
  policy: 'images',
  says,
  in: image(of),
});

const privilege = (control: string, name: string, change: Mistake['in'], isOurs = false): Mistake => ({
  name,
  policy: 'privileges',
  control,
  says: `${control}: `,
  in: change,
  ...(isOurs ? {} : { isAskedBefore: true }),
});

const COMPONENT = 'app.kubernetes.io/component';
const FOREIGN = 'must come from a repository of the platform';
const MOVING = 'by an exact tag or a digest';

/** One mistake each; made in every pod of the platform. */
export const MISTAKES: readonly Mistake[] = [
  images('an image of another registry', FOREIGN, () => 'registry.invalid/team/tool:1.2.3'),
  images(
    'another repository of a known registry',
    FOREIGN,
    (reference) => `${withoutTag(reference)}-copy:1.2.3`,
  ),
  images('an image of no registry', FOREIGN, () => 'busybox:1.36.1'),
  images('the tag latest', MOVING, (reference) => `${withoutTag(reference)}:latest`),
  images('a tag of one number', MOVING, (reference) => `${withoutTag(reference)}:8`),
  images('no tag', MOVING, withoutTag),
  {
    name: 'an init container of another registry',
    policy: 'images',
    says: FOREIGN,
    in: inSpec((spec) => {
      const [first] = spec.containers;
      const { resources, securityContext } = first ?? {};
      const own = { name: 'first', image: 'registry.invalid/team/tool:1.2.3', resources, securityContext };
      return { ...spec, initContainers: [own, ...(spec.initContainers ?? [])] };
    }),
  },
  privilege(
    'host namespaces',
    'the network of its node',
    inSpec((spec) => ({
      ...spec,
      hostNetwork: true,
      // Not together with the network's settings of its own.
      securityContext: { ...spec.securityContext, sysctls: undefined },
    })),
  ),
  privilege(
    'host namespaces',
    'the processes of its node',
    inSpec((spec) => ({ ...spec, hostPID: true })),
  ),
  privilege('privileged', 'privileged', secured({ privileged: true, allowPrivilegeEscalation: true })),
  privilege('capabilities', 'no capability dropped', secured({ capabilities: {} })),
  privilege(
    'capabilities',
    'a capability more',
    inContainer((container) => {
      const { securityContext: own } = container;
      const capabilities = { ...own?.capabilities, add: [...(own?.capabilities?.add ?? []), 'NET_ADMIN'] };
      return { ...container, securityContext: { ...own, capabilities } };
    }),
  ),
  privilege('privilege escalation', 'escalation left open', secured({ allowPrivilegeEscalation: undefined })),
  // Of what may mount something the folders are named, so that nobody is left out.
  {
    ...privilege('host paths', 'a folder of its node', volume('mistake', { hostPath: { path: '/etc' } })),
    control: undefined,
  },
  privilege(
    'host ports',
    'a port of its node',
    inContainer((container) => ({ ...container, ports: [{ containerPort: 7777, hostPort: 7777 }] })),
  ),
  privilege('running as root', 'root', secured({ runAsUser: 0 })),
  privilege('seccomp', 'no seccomp', secured({ seccompProfile: { type: 'Unconfined' } })),
  privilege('AppArmor', 'no AppArmor', secured({ appArmorProfile: { type: 'Unconfined' } })),
  privilege(
    'root file system',
    'a root file system to write to',
    secured({ readOnlyRootFilesystem: undefined }),
    true,
  ),
  {
    name: 'no label of a component',
    policy: 'identity',
    says: 'must have the labels',
    in: (pod) => {
      const labels = Object.entries(pod.metadata.labels ?? {}).filter(([label]) => label !== COMPONENT);
      return { ...pod, metadata: { ...pod.metadata, labels: Object.fromEntries(labels) } };
    },
  },
  {
    name: 'a token for somebody that its account has none for',
    policy: 'identity',
    says: 'have no such token',
    in: volume('mistake', {
      projected: { sources: [{ serviceAccountToken: { audience: 'somebody', path: 'token' } }] },
    }),
  },
];
