import {
  FuseMount,
  type FuseMode,
  type FuseMountProps,
  podSecurityFor,
  type ServedProps,
} from '../../constructs/fuse-mount';
import { FuseOpener, type FuseOpenerProps } from '../../constructs/fuse-mount/opener';
import type { Manifest } from '../../constructs/platform/manifest';
import { RESTRICTED, resources, restrictedPod } from '../../constructs/platform/pod';
import { spec } from '../../constructs/platform/workloads';
import { containers } from '../../guarantees/containers';
import { violationsOf } from '../../guarantees/pod-security';
import type { DaemonSetSpec, PodSpec } from '../../imports/k8s';
import { find, manifestsOf, platformWith } from '../support';

/** Every prop; a new one does not compile until it is here. */
const every: Required<ServedProps> = {
  mode: 'sidecar',
  image: 'registry.example.com/lighthouse/fuse:1.0.0',
  command: ['python3', 'project.py', '/mnt/lighthouse/project', '-o', 'auto_unmount'],
  resources: { cpu: '20m', memory: '96Mi' },
};

const MOUNTING = ['device-plugin', 'sidecar', 'fd-passing'] as const satisfies readonly FuseMode[];

const LOOK = { exec: { command: ['true'] }, timeoutSeconds: 5 };

/** A pod with a reader beside the file system, as whoever plugs it in makes it; the platform around it. */
function build(changes: Partial<ServedProps> | { readonly mode: 'none' } = {}): {
  pod: PodSpec;
  manifests: Manifest[];
  findings: number;
} {
  let pod: PodSpec | undefined;
  const platform = platformWith(({ namespaces }) => {
    const props: FuseMountProps = changes.mode === 'none' ? { mode: 'none' } : { ...every, ...changes };
    const namespace = namespaces.add('bridge', { podSecurity: podSecurityFor(props.mode) });
    const fuse = new FuseMount(namespace, 'fuse', props);
    pod = {
      ...fuse.pod,
      securityContext: restrictedPod(1000),
      initContainers: [...fuse.initContainers],
      containers: [
        {
          name: 'reader',
          image: every.image,
          livenessProbe: LOOK,
          securityContext: RESTRICTED,
          resources: resources({ cpu: '10m', memory: '32Mi' }),
          volumeMounts: [fuse.volumeMount],
        },
      ],
      volumes: [...fuse.volumes],
    };
  });
  if (!pod) throw new Error('nothing was built');
  return { pod, manifests: manifestsOf(platform), findings: containers.check(platform).findings.length };
}

function serverOf({ initContainers = [] }: PodSpec) {
  const [server, ...others] = initContainers;
  if (!server || others.length > 0) throw new Error(`${initContainers.length} containers serve`);
  return server;
}

const controls = (pod: PodSpec): string[] => violationsOf(pod).map(({ control }) => control);

const propagation = (mounts: PodSpec['containers'][number]['volumeMounts'] = []) =>
  mounts.find(({ mountPath }) => mountPath === '/mnt/lighthouse')?.mountPropagation;

describe('no file system', () => {
  test('is an empty folder where it would be, and nothing else', () => {
    const { pod, manifests } = build({ mode: 'none' });
    expect(pod.initContainers).toEqual([]);
    expect(pod.volumes).toEqual([{ name: 'lighthouse', emptyDir: { sizeLimit: '64Mi' } }]);
    expect(pod.containers[0]?.volumeMounts).toEqual([{ name: 'lighthouse', mountPath: '/mnt/lighthouse' }]);
    expect(manifests.filter(({ kind }) => kind === 'ConfigMap')).toEqual([]);
  });
});

describe.each(MOUNTING)('a file system by %s', (mode) => {
  const { pod, manifests } = build({ mode });
  const server = serverOf(pod);

  test('is served by the container that the alert looks at, before and after all that read', () => {
    expect(server.name).toBe('fuse');
    expect(server.restartPolicy).toBe('Always');
    expect(server.startupProbe?.exec?.command).toEqual(['/bin/sh', '/fuse/mounted.sh']);
  });

  test('is looked at in a time that is bounded, and when it hangs it is not asked to end for long', () => {
    expect(server.readinessProbe?.exec?.command).toEqual(['/bin/sh', '/fuse/answers.sh']);
    expect(server.livenessProbe?.exec?.command).toEqual(['/bin/sh', '/fuse/answers.sh']);
    expect(server.livenessProbe?.terminationGracePeriodSeconds).toBe(3);
    // The script gives up after 2 s by itself.
    expect(server.livenessProbe?.timeoutSeconds).toBeGreaterThan(2);
  });

  test('is started by its own command, with the scripts that its container names', () => {
    expect(server.command?.slice(2)).toEqual(every.command);
    const config = manifests.find(({ kind }) => kind === 'ConfigMap');
    const scripts = Object.keys(config?.['data'] ?? {});
    const named = JSON.stringify(server).match(/(?<=\/fuse\/)[a-z]+\.sh/g) ?? [];
    expect(scripts.filter((name) => name.endsWith('.sh')).sort()).toEqual([...new Set(named)].sort());
  });

  test('has every volume that a container mounts', () => {
    const there = new Set(pod.volumes?.map(({ name }) => name));
    const mounted = [server, ...pod.containers].flatMap(({ volumeMounts = [] }) => volumeMounts);
    expect(mounted.filter(({ name }) => !there.has(name))).toEqual([]);
  });

  test('writes to no root file system, and gives the reader no rights', () => {
    expect(server.securityContext?.readOnlyRootFilesystem).toBe(true);
    expect(pod.containers[0]?.securityContext).toEqual(RESTRICTED);
    const { securityContext, containers: readers, volumes } = pod;
    expect(violationsOf({ securityContext, containers: readers, volumes })).toEqual([]);
  });
});

describe('rights', () => {
  test('a sidecar is privileged, as only such a container’s mounts spread; the reader receives them', () => {
    const { pod } = build({ mode: 'sidecar' });
    expect(podSecurityFor('sidecar')).toBe('privileged');
    expect(controls(pod)).toEqual(['privileged', 'capabilities', 'privilege escalation', 'running as root']);
    expect(propagation(serverOf(pod).volumeMounts)).toBe('Bidirectional');
    expect(propagation(pod.containers[0]?.volumeMounts)).toBe('HostToContainer');
  });

  test('by device plugin it is root of a user namespace alone, and its mount spreads nowhere', () => {
    const { pod } = build({ mode: 'device-plugin' });
    const server = serverOf(pod);
    expect(pod.hostUsers).toBe(false);
    expect(server.securityContext?.privileged).toBeUndefined();
    expect(server.securityContext?.capabilities).toEqual({ drop: ['ALL'], add: ['SYS_ADMIN'] });
    expect(server.resources?.limits).toEqual({ memory: '96Mi', 'squat.ai/fuse': '1' });
    const all = [server, ...pod.containers].map(({ volumeMounts }) => propagation(volumeMounts));
    expect(all).toEqual([undefined, undefined]);
    const volumeOf = (mounts = server.volumeMounts) =>
      mounts?.find(({ mountPath }) => mountPath === '/mnt/lighthouse')?.name;
    expect(volumeOf()).not.toBe(volumeOf(pod.containers[0]?.volumeMounts));
  });

  test('with an opener on the node, the whole pod is restricted', () => {
    const { pod } = build({ mode: 'fd-passing' });
    expect(podSecurityFor('fd-passing')).toBe('restricted');
    expect(violationsOf(pod)).toEqual([]);
    const helper = serverOf(pod).volumeMounts?.filter(({ subPath }) => subPath === 'fusermount.py');
    expect(helper?.map(({ mountPath }) => mountPath)).toEqual(['/bin/fusermount', '/bin/fusermount3']);
  });

  test('with an opener, a command that would want the device is refused', () => {
    expect(() => build({ mode: 'fd-passing', command: ['project', '-o', 'allow_other'] })).toThrow(
      'bridge/fuse: mode fd-passing needs a command that mounts with auto_unmount, got project -o allow_other',
    );
  });
});

describe('the opener', () => {
  const props: Required<FuseOpenerProps> = {
    image: every.image,
    nodes: 3,
    podsFolder: '/data/kubelet/pods',
  };

  function opener(some: Partial<FuseOpenerProps> = {}): DaemonSetSpec {
    const { image, nodes } = props;
    const platform = platformWith(({ namespaces }) => {
      const agents = namespaces.add('node-agents', { podSecurity: 'privileged' });
      new FuseOpener(agents, 'fuse-opener', { image, nodes, ...some });
    });
    expect(containers.check(platform).findings).toEqual([]);
    return spec<DaemonSetSpec>(find(manifestsOf(platform), 'DaemonSet', 'fuse-opener'));
  }

  test('is on every node, sees the folder of pods alone, and has neither token nor port', () => {
    const pod = opener().template.spec;
    expect(pod?.tolerations).toEqual([{ operator: 'Exists' }]);
    expect(pod?.volumes?.flatMap(({ hostPath }) => hostPath ?? [])).toEqual([
      { path: '/var/lib/kubelet/pods', type: 'Directory' },
    ]);
    expect(pod?.automountServiceAccountToken).toBe(false);
    expect(pod?.hostNetwork).toBeUndefined();
    expect(pod?.containers[0]?.ports).toBeUndefined();
  });

  test('mounts where the kubelet has its pods, so that mounts reach them', () => {
    const pod = opener(props).template.spec;
    const [container] = pod?.containers ?? [];
    expect(container?.env).toEqual([{ name: 'PODS', value: props.podsFolder }]);
    expect(container?.volumeMounts?.[0]).toEqual({
      name: 'pods',
      mountPath: props.podsFolder,
      mountPropagation: 'Bidirectional',
    });
    expect(pod?.volumes?.[0]?.hostPath?.path).toBe(props.podsFolder);
  });
});
