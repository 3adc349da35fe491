import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BridgeWithFuse } from '../../constructs/bridge-with-fuse';
import { EventStoreMigration, type EventStoreMigrationProps } from '../../constructs/event-store-migration';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import { PostgresCluster } from '../../constructs/postgres-cluster';
import { guarantees } from '../../guarantees/all';
import { findingsAgainst } from '../../guarantees/prove';
import type { CronJobSpec, NetworkPolicySpec, PodSpec, StatefulSetSpec } from '../../imports/k8s';
import { platformOf } from '../charts/support';
import { find, manifestsOf, platformWith } from '../support';

/** The commands that the program has. */
const PROGRAM = readFileSync(join(__dirname, '../../migration/event_store_migration/__main__.py'), 'utf8');
const COMMANDS = [...PROGRAM.matchAll(/^ {4}"(\w+)": run_\w+,$/gm)].map(([, command]) => String(command));

function build(from: EventStoreMigrationProps['from'] = 'logs', where = 'bridge'): Manifest[] {
  const platform = platformWith(({ namespaces, authority, maker }) => {
    const ground = { maker, resources: { cpu: '1', memory: '4Gi' } };
    const namespace = namespaces.add('bridge');
    /** Every prop; a new one does not compile until it is here. */
    const props: Required<EventStoreMigrationProps> = {
      image: 'registry.example.com/lighthouse/event-store-migration:1.0.0',
      from,
      bridge: new BridgeWithFuse(namespace, 'bridge', {
        ...ground,
        image: 'registry.example.com/lighthouse/bridge:1.0.0',
        state: { kind: 'local', storage: '2Gi', storageClass: 'standard' },
      }),
      postgres: new PostgresCluster(namespaces.add('postgres'), 'events', {
        ...ground,
        images: { postgres: 'example.com/postgresql:18.4', pgbouncer: 'example.com/pgbouncer:1.25.1' },
        authority,
        storage: { storageClass: 'standard', data: '10Gi', wal: '4Gi' },
        clientConnections: 100,
        eventRetentionDays: 30,
      }),
    };
    new EventStoreMigration(where === 'bridge' ? namespace : namespaces.add(where), 'migration', props);
  });
  return manifestsOf(platform);
}

const template = (manifests: readonly Manifest[], command: string): CronJobSpec =>
  spec(find(manifests, 'CronJob', `migration-${command}`));

function podOf(manifests: readonly Manifest[], command: string): PodSpec {
  const pod = template(manifests, command).jobTemplate.spec?.template.spec;
  if (!pod) throw new Error(`${command} has no pod`);
  return pod;
}

function environment(pod: PodSpec): Record<string, string | undefined> {
  return Object.fromEntries(
    (pod.containers[0]?.env ?? []).map(({ name, value, valueFrom }) => [
      name,
      value ?? valueFrom?.secretKeyRef?.name,
    ]),
  );
}

describe('the migration of the event store', () => {
  const manifests = build();

  test('has a template for each command of the program, and runs none by itself', () => {
    expect(COMMANDS).toHaveLength(5);
    const made = manifests.filter(({ kind }) => kind === 'CronJob').map(({ metadata }) => metadata.name);
    expect(made).toEqual(expect.arrayContaining(COMMANDS.map((command) => `migration-${command}`)));
    for (const command of COMMANDS) {
      expect(template(manifests, command)).toMatchObject({ suspend: true, schedule: '0 0 31 2 *' });
      expect(podOf(manifests, command).containers[0]?.args?.[0]).toBe(command);
    }
  });

  test.each([
    ['sqlite', ['--sqlite', '/app/data/events.db']],
    ['logs', ['--logs', '/app/data/events']],
  ] as const)('reads %s where the bridge has them', (from, store) => {
    const pod = podOf(build(from), 'plan');
    expect(pod.containers[0]?.args).toEqual(['plan', ...store]);
    const bridge = spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'bridge')).template.spec;
    const mounts = bridge?.containers[0]?.volumeMounts ?? [];
    expect(pod.containers[0]?.volumeMounts).toContainEqual(mounts.find(({ name }) => name === 'data'));
    expect(pod.volumes).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-bridge-0' },
    });
    expect(pod.securityContext?.runAsUser).toBe(bridge?.securityContext?.runAsUser);
  });

  test.each(COMMANDS)(
    '%s is where the volume is: beside the bridge, or anywhere when that must be gone',
    (command) => {
      const { affinity, containers } = podOf(manifests, command);
      const stopped = ['cutover', 'rollback'].includes(command);
      const [term] = affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
      const bridge = spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'bridge'));
      expect(term?.labelSelector).toEqual(stopped ? undefined : bridge.selector);
      expect(containers[0]?.args?.includes('--bridge-url')).toBe(stopped);
      if (stopped) expect(containers[0]?.args).toContain('http://bridge.bridge.svc.cluster.local:8765');
    },
  );

  test('connects to the primary itself, as the owner and by a login of its own, over verified TLS', () => {
    const pod = podOf(manifests, 'copy');
    expect(environment(pod)).toMatchObject({
      PGHOST: 'events-rw.postgres.svc.cluster.local',
      PGUSER: 'lighthouse_migrator',
      PGOPTIONS: '-c role=lighthouse_owner',
      PGPASSWORD: 'events-migrator-lighthouse-migrator',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/trust/ca.crt',
      LIGHTHOUSE_EVENT_SECRET: 'bridge-secrets-event',
    });
    expect(pod.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath)).toContain('/trust');
  });

  test('may go to the database and to where the bridge would answer, and nowhere else', () => {
    const {
      egress = [],
      ingress = [],
      policyTypes,
    } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'migration'));
    const ports = egress.flatMap(({ ports = [] }) => ports.map(({ port }) => port));
    expect([...new Set(ports)].sort()).toEqual([53, 5432, 8765]);
    expect(policyTypes).toContain('Ingress');
    expect(ingress).toEqual([]);
  });

  test('what a person must decide is not tried again; a lost connection is', () => {
    const job = template(manifests, 'copy').jobTemplate.spec;
    expect(job?.backoffLimit).toBeGreaterThan(0);
    expect(job?.template.spec?.restartPolicy).toBe('Never');
    expect(job?.podFailurePolicy?.rules).toEqual([
      {
        action: 'FailJob',
        onExitCodes: {
          containerName: job?.template.spec?.containers[0]?.name,
          operator: 'In',
          values: [2, 3],
        },
      },
    ]);
  });

  test('is refused where the volume is not', () => {
    expect(() => build('logs', 'elsewhere')).toThrow(
      "elsewhere/migration: must be built in namespace bridge, where the bridge's volume is",
    );
  });
});

describe('on the whole platform', () => {
  const bridge = { state: 'local', cpu: '100m', memory: '256Mi', storage: '5Gi' } as const;
  const migrations = (platform: ReturnType<typeof platformOf>): string[] =>
    manifestsOf(platform).flatMap(({ kind, metadata: { name } }) =>
      kind === 'CronJob' && name.startsWith('migration-') ? name : [],
    );

  test('is made where it is asked for, and holds every guarantee', () => {
    const platform = platformOf('production', { bridge: { ...bridge, migration: { from: 'sqlite' } } });
    expect(migrations(platform)).toHaveLength(COMMANDS.length);
    expect(findingsAgainst(platform, guarantees)).toEqual([]);
  });

  test('is not made otherwise, and the login is dropped', () => {
    const platform = platformOf('production', { bridge });
    expect(migrations(platform)).toEqual([]);
    expect(JSON.stringify(manifestsOf(platform))).toContain(
      '{"ensure":"absent","name":"lighthouse_migrator"}',
    );
  });
});
