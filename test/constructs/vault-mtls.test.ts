import type { ContainerPort, CronJobSpec, DeploymentSpec, Role, StatefulSetSpec } from '../../imports/k8s';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { VaultMtlsProps } from '../../constructs/vault-mtls';
import type { Seal } from '../../constructs/vault-mtls/seal';
import { find, manifestsOf, platformWith } from '../support';
import { BUCKET, SIGN_ON, vaultOn } from './vault';

const outside = {
  host: 'keys.example.com',
  port: 443,
  cidr: '198.51.100.8/32',
  secretStore: 'platform',
  secretPath: 'test/seal',
};

const SEALS: Readonly<Record<Exclude<Seal['kind'], 'development'>, Seal>> = {
  awskms: { kind: 'awskms', region: 'eu-central-1', key: 'alias/vault', ...outside },
  gcpckms: {
    kind: 'gcpckms',
    project: 'acme',
    region: 'europe-west3',
    keyRing: 'ring',
    key: 'vault',
    ...outside,
  },
  azurekeyvault: {
    kind: 'azurekeyvault',
    vaultName: 'acme',
    key: 'vault',
    ...outside,
    identity: { host: 'login.example.com', port: 443, cidr: '198.51.100.9/32' },
  },
  transit: { kind: 'transit', mount: 'transit', key: 'vault', ...outside },
};

function build(choice: Partial<VaultMtlsProps> = {}): Manifest[] {
  return manifestsOf(
    platformWith((ground) => {
      const vault = vaultOn(ground, { seal: SEALS.transit, ...choice });
      ground.scrape(vault);
    }),
  );
}

const members = (manifests: readonly Manifest[]): StatefulSetSpec =>
  spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'vault-members'));

/** The configuration that the members mount. */
function hcl(manifests: readonly Manifest[]): string {
  const name = members(manifests).template.spec?.volumes?.find((volume) => volume.name === 'config')
    ?.configMap?.name;
  const { data } = find(manifests, 'ConfigMap', name ?? '') as { data?: Record<string, string> };
  return data?.['vault.hcl'] ?? '';
}

test('three members by default, each told how to join every other by its own name over TLS', () => {
  const manifests = build();
  const { replicas, podManagementPolicy } = members(manifests);
  expect({ replicas, podManagementPolicy }).toEqual({ replicas: 3, podManagementPolicy: 'Parallel' });
  const text = hcl(manifests);
  for (const ordinal of [0, 1, 2]) {
    const host = `vault-members-${ordinal}.vault-members.vault.svc.cluster.local`;
    expect(text).toContain(`leader_api_addr       = "https://${host}:8202"`);
    expect(text).toContain(`leader_tls_servername = "${host}"`);
  }
  expect(text.match(/leader_ca_cert_file/g)).toHaveLength(3);
  expect(text).not.toContain('tls_disable ');
  expect(find(manifests, 'PodDisruptionBudget', 'vault-members')['spec']).toMatchObject({
    maxUnavailable: 1,
  });
});

test('a certificate covers the names of the members and of the Service', () => {
  expect(find(build(), 'Certificate', 'vault-members-tls')['spec']).toMatchObject({
    dnsNames: expect.arrayContaining([
      'vault.vault.svc.cluster.local',
      '*.vault-members.vault.svc.cluster.local',
    ]) as unknown,
  });
});

test('a sealed member lives and gets no clients; one without keys yet is waited for by nobody', () => {
  const [container] = members(build()).template.spec?.containers ?? [];
  const query = (path?: string) => new URLSearchParams(path?.split('?')[1]);
  const ready = query(container?.readinessProbe?.httpGet?.path);
  const live = query(container?.livenessProbe?.httpGet?.path);
  expect([ready.get('sealedcode'), ready.get('uninitcode'), ready.get('standbyok')]).toEqual([
    null,
    '204',
    'true',
  ]);
  expect([live.get('sealedcode'), live.get('uninitcode')]).toEqual(['204', '204']);
});

test.each(Object.entries(SEALS))(
  'seal %s: its block, its credentials from the store, its addresses',
  (kind, seal) => {
    const manifests = build({ seal });
    expect(hcl(manifests)).toContain(`seal "${kind}" {`);
    expect(hcl(manifests)).not.toMatch(/secretKey|clientSecret|token *=/);
    expect(find(manifests, 'ExternalSecret', 'vault-seal')['spec']).toMatchObject({
      secretStoreRef: { name: 'platform' },
    });
    const policy = JSON.stringify(find(manifests, 'NetworkPolicy', 'vault-members')['spec']);
    expect(policy).toContain('198.51.100.8/32');
    expect(policy.includes('198.51.100.9/32')).toBe(kind === 'azurekeyvault');
    expect(manifests.some(({ kind: each }) => each === 'Deployment')).toBe(false);
  },
);

test('in development one member is opened by a key in a Secret, which only the one who opens it is given', () => {
  const manifests = build({ members: 1, seal: { kind: 'development' } });
  expect(hcl(manifests)).not.toMatch(/^seal /m);
  expect(hcl(manifests)).not.toContain('retry_join');
  const pod = spec<DeploymentSpec>(find(manifests, 'Deployment', 'vault-unsealer')).template.spec;
  expect(pod?.volumes).toContainEqual({
    name: 'unseal',
    secret: { secretName: 'vault-unseal', optional: true, defaultMode: 0o440 },
  });
  expect(
    (find(manifests, 'Role', 'vault-unsealer') as unknown as Role & { rules: unknown })['rules'],
  ).toEqual([{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }]);
  expect(JSON.stringify(members(manifests))).not.toContain('vault-unseal');
});

test('snapshots are taken with a token for Vault alone, and kept in the folder of the cluster', () => {
  const manifests = build({
    backup: {
      bucket: BUCKET,
      folder: 'test-here',
      cliImage: 'registry.example.com/aws:1.0.0',
      schedule: '30 * * * *',
    },
  });
  const pod = spec<CronJobSpec>(find(manifests, 'CronJob', 'vault-snapshots')).jobTemplate.spec?.template
    .spec;
  expect(pod?.automountServiceAccountToken).toBe(false);
  expect(JSON.stringify(pod?.volumes)).toContain('"audience":"vault"');
  expect(pod?.containers[0]?.env).toContainEqual({ name: 'BACKUP_PREFIX', value: 'test-here' });
});

test('every port is one of the three that the network knows', () => {
  const [container] = members(build()).template.spec?.containers ?? [];
  const ports = (container?.ports ?? []).map(
    ({ name, containerPort }: ContainerPort) => `${name} ${containerPort}`,
  );
  expect(ports).toEqual(['https 8200', 'peer 8202', 'raft 8201']);
});

test('every prop, and what is refused', () => {
  const all: Required<Omit<VaultMtlsProps, 'maker' | 'authority'>> = {
    image: 'registry.example.com/vault:1.0.0',
    scriptImage: 'registry.example.com/python:1.0.0',
    members: 5,
    resources: { cpu: '1', memory: '1Gi' },
    storage: '20Gi',
    storageClass: 'ssd',
    spreading: 'preferred',
    seal: SEALS.awskms,
    signOn: SIGN_ON,
    backup: {
      bucket: BUCKET,
      folder: 'x',
      cliImage: 'registry.example.com/aws:1.0.0',
      schedule: '0 * * * *',
    },
  };
  expect(members(build(all))).toMatchObject({
    replicas: 5,
    volumeClaimTemplates: [
      { spec: { storageClassName: 'ssd', resources: { requests: { storage: '20Gi' } } } },
    ],
  });
  expect(() => build({ members: 2 })).toThrow(
    /members must be 1, or odd and at least 3 for a majority, got 2/,
  );
  expect(() => build({ seal: { kind: 'development' } })).toThrow(/seal development opens one member, got 3/);
});
