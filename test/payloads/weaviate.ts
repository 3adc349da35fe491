/**
 * Who may do what in Weaviate: the settings, the schema and the roles as they are printed, in the real program, by keys and by
 * tokens of an identity provider that comes and goes.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../acceptance/kubectl';
import { findPrograms } from '../../acceptance/programs';
import { containersOf, spec } from '../../constructs/platform/workloads';
import type { Manifest } from '../../constructs/platform/manifest';
import { VectorDatabase } from '../../constructs/vector-database';
import { Embeddings } from '../../constructs/vector-database/embeddings';
import { Authority } from '../../guarantees/certificates/authority';
import type { JobSpec, StatefulSetSpec } from '../../imports/k8s';
import { find, manifestsOf, platformWith } from '../support';
import { freePort } from '../../acceptance/free-port';
import type { Report } from './report';
import { REQUESTS } from './weaviate-requests';
import { type Answer, type Claims, Provider, Weaviate } from './weaviate-stand';

const SIZE = { cpu: '100m', memory: '1Gi' };

const GROUPS = { platform: 'owners', onCall: '/teams/on call', auditor: 'auditors', developer: 'developers' };

/** A database of one member whose people are signed in by a provider. */
function manifestsWith(provider: Provider, groups = GROUPS): Manifest[] {
  return manifestsOf(
    platformWith(({ namespaces, maker, authority }) => {
      const namespace = namespaces.add('vector-database');
      new VectorDatabase(namespace, 'weaviate', {
        ...{ maker, authority, members: 1, storage: '1Gi', resources: SIZE },
        image: 'registry.example.com/weaviate:1.0.0',
        scriptImage: 'registry.example.com/python:3.0.0',
        embeddings: new Embeddings(namespace, 'embeddings', {
          image: 'registry.example.com/inference:1.0.0',
          resources: SIZE,
        }),
        signOn: {
          issuer: provider.issuer,
          keys: provider.keys,
          range: { name: 'sso.example.com', cidr: '203.0.113.7/32', port: 443 },
          clientId: 'weaviate',
          groupsClaim: 'groups',
          groups,
        },
      });
    }),
  );
}

const person = (...groups: readonly string[]): Claims => ({
  sub: '5f0c9a',
  preferred_username: 'schema',
  groups,
});

/** Reports whether somebody was answered so; what was answered instead. */
function answered(report: Report, name: string, { status, text }: Answer, wanted: number): void {
  report(`${name}: ${wanted}`, status === wanted, status === wanted ? '' : `${status} ${text}`);
}

export async function check(report: Report): Promise<void> {
  const { weaviate: program } = await findPrograms(['weaviate'], console.error);
  const folder = mkdtempSync(join(tmpdir(), 'weaviate-payloads-'));
  const authority = new Authority('test-ca');
  const provider = new Provider(
    await freePort(),
    authority.issue('provider', { names: ['127.0.0.1', 'localhost'] }),
  );
  const manifests = manifestsWith(provider);
  const [container] = containersOf(
    spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'weaviate-members')).template.spec ?? {
      containers: [],
    },
  );
  if (!container) throw new Error('Weaviate has no container');
  const weaviate = await Weaviate.of(program, folder, authority, container);
  const owner = weaviate.key('weaviate-owners-schema');
  try {
    await withoutProvider(weaviate, provider, owner, report);
    await applied(weaviate, folder, manifests, 'the schema and the roles are applied', report);
    await applied(weaviate, folder, manifests, 'and once more, with nothing to do', report);
    await people(weaviate, provider, report);
    await shownToAll(weaviate, provider, report);
    await strangers(weaviate, provider, report);
    await programs(weaviate, report);
    await anotherGroup(weaviate, provider, folder, report);
  } finally {
    await weaviate.stop();
    await provider.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A provider that is away keeps no member down, and nobody out who has a key. */
async function withoutProvider(
  weaviate: Weaviate,
  provider: Provider,
  owner: string,
  report: Report,
): Promise<void> {
  const discovering = await weaviate.start({
    AUTHENTICATION_OIDC_JWKS_URL: '',
    AUTHENTICATION_OIDC_ISSUER: provider.keys,
  });
  const reason = /oidc init: could not setup provider/.test(weaviate.said());
  report(
    'had it to ask where the keys are, Weaviate would not start without the provider',
    !discovering && reason,
  );

  const started = await weaviate.start();
  report('it starts while the provider is away', started, started ? '' : weaviate.said().slice(-600));
  answered(report, 'a key while the provider is away', await weaviate.ask(owner, 'GET', '/v1/schema'), 200);
  const token = provider.token(person(GROUPS.platform));
  answered(
    report,
    'a person while the provider is away',
    await weaviate.ask(token, 'GET', '/v1/schema'),
    401,
  );

  await provider.open();
  answered(report, 'a person as soon as it is there', await weaviate.ask(token, 'GET', '/v1/schema'), 200);
}

/** Runs the script of the schema's Job with the files that it mounts. */
async function applied(
  weaviate: Weaviate,
  folder: string,
  manifests: readonly Manifest[],
  name: string,
  report: Report,
): Promise<void> {
  const job = manifests.find(
    ({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('weaviate-schema'),
  );
  const pod = job && spec<JobSpec>(job).template.spec;
  const files = pod?.volumes?.find((volume) => volume.name === 'scripts')?.configMap?.name ?? '';
  const scripts = join(folder, 'scripts');
  rmSync(scripts, { recursive: true, force: true });
  mkdirSync(scripts);
  const texts = find(manifests, 'ConfigMap', files)['data'] as Readonly<Record<string, string>>;
  for (const [file, text] of Object.entries(texts)) writeFileSync(join(scripts, file), text);
  writeFileSync(join(folder, 'key'), weaviate.key('weaviate-owners-schema'), { mode: 0o600 });
  const env = {
    ...Object.fromEntries((pod?.containers[0]?.env ?? []).map((each) => [each.name, each.value ?? ''])),
    WEAVIATE_URL: `https://localhost:${weaviate.port}`,
    TRUST: join(folder, 'ca.crt'),
    KEY_FILE: join(folder, 'key'),
    SCHEMA_FILES: scripts,
    WAIT_SECONDS: '30',
  };
  const { status, stdout, stderr } = await run('env', [
    ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
    'python3',
    join(scripts, 'apply.py'),
  ]);
  report(name, status === 0, status === 0 ? '' : `${stdout.slice(-300)}${stderr}`);
}

async function people(weaviate: Weaviate, provider: Provider, report: Report): Promise<void> {
  // The owners last: what others are refused must not be there already.
  const everybody: readonly (readonly [string, readonly string[]])[] = [
    ['developer', [GROUPS.developer]],
    ['nobody', []],
    ['onCall', [GROUPS.onCall]],
    ['auditor', [GROUPS.auditor, 'others']],
    ['platform', [GROUPS.platform]],
  ];
  for (const [who, groups] of everybody) {
    const token = provider.token(person(...groups));
    const wrong: string[] = [];
    let allowed = 0;
    for (const [what, may, method, path, body] of REQUESTS) {
      const { status, text } = await weaviate.ask(token, method, path, body);
      const is = status >= 200 && status < 300;
      if (is) allowed += 1;
      if (is !== may.includes(who) || (!is && status !== 403)) wrong.push(`${what}: ${status} ${text}`);
    }
    const count = `${allowed} requests allowed, ${REQUESTS.length - allowed} refused`;
    report(`${who}: ${count}`, wrong.length === 0, wrong.join('; '));
  }
}

/** What Weaviate shows to everybody who is signed in, whatever their groups. */
async function shownToAll(weaviate: Weaviate, provider: Provider, report: Report): Promise<void> {
  const shardsFor = async (...groups: readonly string[]): Promise<number> => {
    const { text } = await weaviate.ask(provider.token(person(...groups)), 'GET', '/v1/nodes?output=verbose');
    const { nodes } = JSON.parse(text) as { nodes: readonly { shards: readonly unknown[] | null }[] };
    return nodes.reduce((sum, { shards }) => sum + (shards?.length ?? 0), 0);
  };
  const none = await shardsFor();
  report('without a group one sees that there are members, and nothing of what is in them', none === 0);
  const some = await shardsFor(GROUPS.onCall);
  report(`on-call sees the parts of collections: ${some}`, some > 0);
  const nobody = await weaviate.ask('', 'GET', '/v1/nodes?output=verbose');
  answered(report, 'without key and token', nobody, 401);
}

/** Tokens that are not good, or not for this. */
async function strangers(weaviate: Weaviate, provider: Provider, report: Report): Promise<void> {
  const owners = person(GROUPS.platform);
  const past = Math.floor(Date.now() / 1000) - 60;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const tokens: Readonly<Record<string, string>> = {
    'that has expired': provider.token({ ...owners, exp: past }),
    'for another client': provider.token({ ...owners, aud: 'grafana' }),
    'of another provider': provider.token({ ...owners, iss: 'https://elsewhere.example.com' }),
    'that somebody else signed': provider.token(owners, privateKey),
    'that nobody signed': provider.token(owners, 'none'),
  };
  for (const [what, token] of Object.entries(tokens)) {
    answered(report, `a token ${what}`, await weaviate.ask(token, 'GET', '/v1/schema'), 401);
  }
  const own = provider.token({ sub: 'schema@lighthouse', groups: [] });
  const asOwner = await weaviate.ask(own, 'GET', '/v1/authz/roles/bridge');
  answered(report, 'who is called as the owner would be the owner, and so nobody is called so', asOwner, 200);
  for (const sub of ['schema', 'bridge', 'cluster', 'root']) {
    const answer = await weaviate.ask(provider.token({ sub, groups: [] }), 'GET', '/v1/schema/Decision');
    answered(report, `a person who is called ${sub} may nothing for that`, answer, 403);
  }
  await provider.close();
  const later = await weaviate.ask(provider.token(owners), 'GET', '/v1/schema');
  answered(report, 'who was known stays known when the provider goes away', later, 200);
  await provider.open();
}

/** Keys have the roles that they had. */
async function programs(weaviate: Weaviate, report: Report): Promise<void> {
  const asked: readonly (readonly [user: string, status: number, method: string, path: string])[] = [
    ['users-bridge', 200, 'GET', '/v1/objects?class=Decision'],
    ['users-bridge', 403, 'DELETE', '/v1/schema/Decision'],
    ['users-reader', 200, 'GET', '/v1/objects?class=Decision'],
    ['users-reader', 403, 'DELETE', '/v1/schema/Decision'],
    ['owners-backup', 403, 'GET', '/v1/objects?class=Decision'],
    ['owners-schema', 200, 'GET', '/v1/authz/roles'],
  ];
  for (const [user, wanted, method, path] of asked) {
    const answer = await weaviate.ask(weaviate.key(`weaviate-${user}`), method, path);
    answered(report, `the key of ${user}: ${method} ${path}`, answer, wanted);
  }
}

/** A group that no longer has a role loses it. */
async function anotherGroup(
  weaviate: Weaviate,
  provider: Provider,
  folder: string,
  report: Report,
): Promise<void> {
  const groups = { ...GROUPS, onCall: 'night-watch' };
  await applied(weaviate, folder, manifestsWith(provider, groups), 'a role goes to another group', report);
  for (const [group, wanted] of [
    [GROUPS.onCall, 403],
    ['night-watch', 200],
  ] as const) {
    const answer = await weaviate.ask(provider.token(person(group)), 'GET', '/v1/schema/Decision');
    answered(report, `then "${group}"`, answer, wanted);
  }
}
