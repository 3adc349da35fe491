import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { FuseMode } from '../../constructs/fuse-mount';
import { viewersIn } from '../../acceptance/smoke/file-system';
import { BRIDGE } from '../../constructs/bridge-with-fuse/settings';
import type { Manifest } from '../../constructs/platform/manifest';
import { containersOf, workloadOf } from '../../constructs/platform/workloads';
import { guarantees } from '../../guarantees/all';
import { findingsAgainst } from '../../guarantees/prove';
import { violationsOf } from '../../guarantees/pod-security';
import type { Container, PodSpec } from '../../imports/k8s';
import type { Platform } from '../../synth/platform';
import { PLATFORMS, platformOf } from '../charts/support';
import { find, manifestsOf } from '../support';

// Each mode on the whole of production, as it is shipped but for the file system.

const FUSE = {
  command: ['python', '/opt/project.py', '/mnt/lighthouse/project', '-o', 'auto_unmount'],
  cpu: '100m',
  memory: '256Mi',
};

/** A release that shares its state, which there is none of yet. */
const NEWER = { bridge: 'registry.example.com/lighthouse/bridge:2.0.0' };

const bridge = { state: 'local', cpu: '1', memory: '1Gi', storage: '50Gi' } as const;

const clusters = PLATFORMS.flatMap(([, { environment, cluster }]) =>
  environment.environment === 'production' ? cluster : [],
);

function platformWith(mode: FuseMode, role: 'primary' | 'standby' = 'primary'): Platform {
  const fuse = mode === 'none' ? {} : { fuse: { ...FUSE, mode } };
  const cluster = clusters.find((each) => each.role === role);
  return platformOf('production', { bridge: { ...bridge, ...fuse }, clusters }, cluster);
}

function podOf(manifests: readonly Manifest[]): PodSpec {
  const pod = workloadOf(find(manifests, 'StatefulSet', 'bridge'))?.pod;
  if (!pod) throw new Error('the bridge has no pod');
  return pod;
}

const levelOf = (manifests: readonly Manifest[]): string | undefined =>
  find(manifests, 'Namespace', 'bridge').metadata.labels?.['pod-security.kubernetes.io/enforce'];

const openersIn = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter(({ kind, metadata }) => kind === 'DaemonSet' && metadata.name === 'fuse-opener');

const mountOf = ({ volumeMounts = [] }: Container) =>
  volumeMounts.find(({ mountPath }) => mountPath === '/mnt/lighthouse');

const waveOf = ({ metadata }: Manifest): number =>
  Number(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0);

const MODES = {
  none: { level: 'restricted', openers: 0, seen: undefined },
  'device-plugin': { level: 'privileged', openers: 0, seen: undefined },
  sidecar: { level: 'privileged', openers: 0, seen: 'HostToContainer' },
  'fd-passing': { level: 'restricted', openers: 1, seen: 'HostToContainer' },
} as const satisfies Readonly<Record<FuseMode, unknown>>;

describe.each(Object.entries(MODES) as [FuseMode, (typeof MODES)[FuseMode]][])(
  'Lighthouse with its file system by %s',
  (mode, { level, openers, seen }) => {
    const platform = platformWith(mode);
    const manifests = manifestsOf(platform);
    const pod = podOf(manifests);

    test('holds every guarantee', () => {
      expect(findingsAgainst(platform, guarantees)).toEqual([]);
    });

    test('is admitted by its namespace, which admits no more than that', () => {
      expect(levelOf(manifests)).toBe(level);
      const served = containersOf(pod).filter(({ name }) => name === BRIDGE.fuse);
      expect(served).toHaveLength(mode === 'none' ? 0 : 1);
      const { securityContext, volumes } = pod;
      const others = containersOf(pod).filter(({ name }) => name !== BRIDGE.fuse);
      expect(violationsOf({ securityContext, volumes, containers: others })).toEqual([]);
    });

    test('the server has the folder above the mount point, and sees the mount where the mode lets it', () => {
      const server = containersOf(pod).find(({ name }) => name === BRIDGE.container);
      const mount = server && mountOf(server);
      expect(mount?.mountPropagation).toBe(seen);
      const source = containersOf(pod).find(({ name }) => name === BRIDGE.fuse);
      if (source) expect(mountOf(source)?.name === mount?.name).toBe(seen !== undefined);
    });

    test('is looked at, on a platform that runs, where it must be seen', () => {
      const viewer = { none: [], 'device-plugin': ['fuse'], sidecar: ['bridge'], 'fd-passing': ['bridge'] };
      const viewers = viewersIn(manifests);
      expect(viewers.map(({ container }) => container)).toEqual(viewer[mode]);
      for (const { namespace } of viewers) expect(namespace).toBe('bridge');
    });

    test('an agent of the node is there where the mode has one, before Lighthouse', () => {
      const found = openersIn(manifests);
      expect(found).toHaveLength(openers);
      for (const opener of found) {
        expect(opener.metadata.namespace).toBe('node-agents');
        expect(waveOf(opener)).toBeLessThan(waveOf(find(manifests, 'StatefulSet', 'bridge')));
      }
    });
  },
);

test.each(['sidecar', 'fd-passing'] as const)(
  'where no Lighthouse runs, nothing mounts and nothing is privileged for it: %s in a standby',
  (mode) => {
    const platform = platformWith(mode, 'standby');
    const manifests = manifestsOf(platform);
    expect(levelOf(manifests)).toBe('restricted');
    expect(openersIn(manifests)).toEqual([]);
    const ofPrivileges = findingsAgainst(
      platform,
      guarantees.filter(({ name }) => name === 'privileges'),
    );
    expect(ofPrivileges).toEqual([]);
  },
);

test.each([
  ['device-plugin', 'rolling', 'Deployment'],
  ['sidecar', 'rolling', 'Deployment'],
  ['sidecar', 'blue-green', 'Rollout'],
  ['fd-passing', 'blue-green', 'Rollout'],
] as const)('pods that share their state mount as well, each for itself: %s, %s', (mode, delivery, kind) => {
  const shared = { state: 'external', cpu: '1', memory: '1Gi', replicas: 3, delivery } as const;
  // The migration keeps the old volume, which nothing of this state makes.
  const more = { fuse: { ...FUSE, mode }, migration: { from: 'logs' } } as const;
  const platform = platformOf('production', { bridge: { ...shared, ...more } }, {}, NEWER);
  expect(findingsAgainst(platform, guarantees)).toEqual([]);
  const pod = workloadOf(find(manifestsOf(platform), kind, 'bridge'))?.pod;
  expect(pod?.initContainers?.map(({ name }) => name)).toEqual([BRIDGE.fuse]);
});

test('the alert looks at what serves the file system, which is among the init containers', () => {
  const rules = parse(
    readFileSync(join(__dirname, '../../constructs/bridge-with-fuse/alerts.yaml'), 'utf8'),
  ) as {
    groups: { rules: { record?: string; expr: string }[] }[];
  };
  const record = rules.groups
    .flatMap((group) => group.rules)
    .find((rule) => rule.record === 'lighthouse_bridge_fuse_mount_status');
  expect(record?.expr).toMatch(/kube_pod_init_container_status_ready\{.*container="@FUSE@"/);
  const { initContainers = [] } = podOf(manifestsOf(platformWith('sidecar')));
  expect(initContainers.map(({ name }) => name)).toContain(BRIDGE.fuse);
});

test('a namespace that would turn the pod away is found', () => {
  const platform = platformWith('sidecar');
  const objects = platform.objects.map((object) =>
    object.manifest.kind === 'Namespace' && object.manifest.metadata.name === 'bridge'
      ? {
          ...object,
          manifest: {
            ...object.manifest,
            metadata: {
              ...object.manifest.metadata,
              labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
            },
          },
        }
      : object,
  );
  expect(findingsAgainst({ ...platform, objects }, guarantees).join('\n')).toContain(
    'StatefulSet/bridge/bridge: namespace bridge enforces restricted, which refuses privileged, capabilities, privilege escalation, running as root',
  );
});
