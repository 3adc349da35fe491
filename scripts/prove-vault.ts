import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findPrograms } from '../acceptance/programs';
import { isGood, Recorder, summaryOf } from '../acceptance/report';
import { Sandbox } from '../acceptance/sandbox';
import { buildPlatform } from '../charts/platform';
import { loadImages } from '../config/images';
import { loadEnvironment } from '../config/load';
import { runCommand } from './command';
import { proveConfiguration } from './vault/configuration';
import { proveLeases } from './vault/leases';
import { provePeople } from './vault/people';
import { ALIVE, certificates, LEADING, Member, OPENER, READY, same, type Stand, until } from './vault/stand';

const USAGE = `usage: npm run prove:vault

Runs production's configuration of Vault in the real program: three members that find each other and are opened by the transit
engine of a fourth; their leader killed, and asked to go; a snapshot restored into a Vault that never was; the opener gone; a
member with another's name. Then what Vault is told to hold is written into another by the program that does so in the cluster,
changed by hand, told and mended, and used by its clients, whose tokens a real API server makes and vouches for. A third lends
logins of PostgreSQL by way of PgBouncer, and takes them back. People sign in to a fourth by an identity provider, and ask for all
that they may and may not. Everything runs on loopback and is gone afterwards. Takes four minutes, and once the time to build
Vault and Kubernetes (20 to 40 minutes); a vault of 1.21 or newer on PATH serves as well, and programs of Kubernetes in
KUBEBUILDER_ASSETS. psql and PgBouncer must be installed. Exit status 1 where something failed.

  --help           this text`;

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';
const MEMBERS = [0, 1, 2] as const;
/** `vault.hcl` as production's members get it, opened by the transit engine of another Vault. */
function configuration(): string {
  const shipped = loadEnvironment(join(ROOT, 'config', 'production.yaml'));
  const seal = {
    ...({ kind: 'transit', host: OPENER.host, port: OPENER.port, cidr: `${OPENER.host}/32` } as const),
    ...{ mount: 'transit', key: 'lighthouse', secretStore: 'platform', secretPath: 'vault-seal' },
  };
  const environment = { ...shipped, vault: { ...shipped.vault, seal } };
  const place = environment.clusters.find(({ role }) => role === 'primary');
  if (!place) throw new Error('production has no primary cluster');
  const { objects } = buildPlatform(environment, place, loadImages(join(ROOT, 'config', 'images.yaml')));
  const texts = objects.flatMap(({ manifest }) =>
    manifest.kind === 'ConfigMap' && manifest.metadata.namespace === 'vault'
      ? [(manifest['data'] as Readonly<Record<string, string>>)['vault.hcl'] ?? '']
      : [],
  );
  const [hcl] = texts.filter((text) => text !== '');
  if (hcl === undefined) throw new Error('production has no vault.hcl');
  return hcl;
}

/** The Vault whose transit engine opens the others; how to stop it. */
async function startOpener({ sandbox, vault }: Stand): Promise<() => void> {
  const tls = `tls_cert_file = "${sandbox.folder}/members/tls.crt"\n  tls_key_file = "${sandbox.folder}/members/tls.key"`;
  const listener = `listener "tcp" {\n  address = "${OPENER.host}:${OPENER.port}"\n  ${tls}\n}\n`;
  writeFileSync(join(sandbox.folder, 'opener.hcl'), listener);
  const dev = ['-dev', `-dev-root-token-id=${OPENER.token}`, '-dev-no-store-token'];
  const child = sandbox.start('opener', vault, [
    ...['server', ...dev, '-dev-listen-address=127.0.0.19:8200', `-config=${sandbox.folder}/opener.hcl`],
  ]);
  const run = (...args: readonly string[]): boolean =>
    spawnSync(vault, args, {
      env: {
        ...process.env,
        VAULT_ADDR: 'http://127.0.0.19:8200',
        VAULT_TOKEN: OPENER.token,
        HOME: sandbox.folder,
      },
    }).status === 0;
  await until('the opener answers', () => Promise.resolve(run('status')));
  if (!run('secrets', 'enable', 'transit') || !run('write', '-f', 'transit/keys/lighthouse'))
    throw new Error(`the opener has no key: ${sandbox.lastWords('opener')}`);
  return () => child.kill('SIGKILL');
}

async function leaderOf(members: readonly Member[]): Promise<Member | undefined> {
  const statuses = await Promise.all(members.map((member) => member.status(LEADING)));
  return members.find((_, index) => statuses[index] === 200);
}

async function prove(recorder: Recorder, stand: Stand): Promise<void> {
  const hcl = configuration();
  const step = (name: string, action: () => Promise<string>) => recorder.check('Vault', name, action);
  const stopOpener = await startOpener(stand);
  const members = MEMBERS.map((ordinal) => new Member(stand, ordinal));
  const running = new Map(members.map((member) => [member, member.start(hcl)]));
  const [first] = members;
  if (!first) throw new Error('there is no member');
  let token = '';

  await step('without keys members live and count as ready', async () => {
    await until('all answer', async () =>
      (await Promise.all(members.map((member) => member.status(ALIVE)))).every((status) => status === 204),
    );
    same(await Promise.all(members.map((member) => member.status(READY))), [204, 204, 204], 'readiness');
    return 'readiness 204, liveness 204';
  });
  await step('keys are made at one, the others join it and are opened', async () => {
    const body = { recovery_shares: 1, recovery_threshold: 1 };
    const made = await first.want({ path: '/v1/sys/init', method: 'PUT', body });
    token = (JSON.parse(made.toString()) as { root_token: string }).root_token;
    const time = await until('all three are open voters', async () => {
      const { status, body: peers } = await first.ask({ path: '/v1/sys/storage/raft/configuration', token });
      return status === 200 && peers.toString().split('"voter":true').length === 4;
    });
    await until('all are ready', async () =>
      (await Promise.all(members.map((member) => member.status(READY)))).every((status) => status === 200),
    );
    return `three voters after ${time} ms`;
  });
  await step('what one is told, another knows', async () => {
    await first.want({ path: '/v1/sys/mounts/kv', method: 'POST', token, body: { type: 'kv' } });
    await first.want({ path: '/v1/kv/one', method: 'POST', token, body: { value: 'before' } });
    const answer = await members.at(-1)?.want({ path: '/v1/kv/one', token });
    same(answer?.includes('before'), true, 'the value');
    return 'written at one, read at another';
  });
  for (const [signal, name] of [
    ['SIGKILL', 'a leader that is killed is replaced, and comes back open'],
    ['SIGTERM', 'a leader that is asked to go hands over'],
  ] as const) {
    await step(name, async () => {
      const leader = await leaderOf(members);
      if (!leader) throw new Error('nobody leads');
      const start = performance.now();
      await running.get(leader)?.stop(signal);
      const ended = Math.round(performance.now() - start);
      const rest = members.filter((member) => member !== leader);
      let next: Member | undefined;
      await until('another leads', async () => (next = await leaderOf(rest)) !== undefined);
      await next?.want({ path: '/v1/kv/one', method: 'POST', token, body: { value: signal } });
      const taken = Math.round(performance.now() - start);
      running.set(leader, leader.start(hcl));
      const back = await until('it is ready again', async () => (await leader.status(READY)) === 200);
      return `ended after ${ended} ms, the next write after ${taken} ms, open again after ${back} ms`;
    });
  }
  await step('a snapshot brings a Vault back that never was', async () => {
    const leader = await leaderOf(members);
    if (!leader) throw new Error('nobody leads');
    const snapshot = await leader.want({ path: '/v1/sys/storage/raft/snapshot', token });
    const fresh = new Member(stand, 5);
    // It joins nobody.
    fresh.start(hcl.replaceAll(/ +retry_join \{[^}]*\}\n/g, ''));
    await until('it answers', async () => (await fresh.status(READY)) === 204);
    const body = { recovery_shares: 1, recovery_threshold: 1 };
    const made = await fresh.want({ path: '/v1/sys/init', method: 'PUT', body });
    const other = (JSON.parse(made.toString()) as { root_token: string }).root_token;
    await until('it leads', async () => (await fresh.status(LEADING)) === 200);
    const path = '/v1/sys/storage/raft/snapshot-force';
    await fresh.want({ path, method: 'POST', token: other, body: snapshot });
    const time = await until('it has what the other had', async () => {
      const { status, body: value } = await fresh.ask({ path: '/v1/kv/one', token });
      return status === 200 && value.includes('SIGTERM');
    });
    return `${snapshot.length} bytes, read by the token of before after ${time} ms`;
  });
  await step('who shows another name is not joined', async () => {
    const stranger = new Member(stand, 6, 'stranger');
    stranger.start(hcl);
    const joined = hcl.replaceAll(
      /vault-members-\d\.vault-members\.vault/g,
      'vault-members-9.elsewhere.vault',
    );
    const deceived = new Member(stand, 7);
    deceived.start(
      joined.replaceAll(
        /leader_api_addr( *)= "[^"]*"/g,
        `leader_api_addr$1= "https://${stranger.address}:8202"`,
      ),
    );
    await until('it answers', async () => (await deceived.status(ALIVE)) === 204);
    await until('it was refused', () =>
      Promise.resolve(
        /x509: certificate is valid for elsewhere/.test(stand.sandbox.lastWords('member-7', 40)),
      ),
    );
    return 'x509: certificate is valid for elsewhere.example';
  });
  await step('without its opener a member that starts gets no clients, and the others go on', async () => {
    stopOpener();
    await running.get(first)?.stop('SIGKILL');
    first.start(hcl);
    const others = members.filter((member) => member !== first);
    await until('the others go on', async () => (await leaderOf(others)) !== undefined);
    await sleep(3000);
    const status = await first.status(READY);
    if (status === 200 || status === 204) throw new Error(`it counts as ready: ${status}`);
    return status === 0 ? 'it ends, for the kubelet to start it again' : `readiness ${status}`;
  });
}

async function main(): Promise<number> {
  parseArgs({ options: {} });
  const recorder = new Recorder('Vault of production');
  const { vault } = await findPrograms(['vault'], console.error);
  for (const part of [prove, proveConfiguration, proveLeases, provePeople]) {
    const sandbox = new Sandbox('vault');
    try {
      await part(recorder, { sandbox, vault, authority: certificates(sandbox.folder) });
    } finally {
      await sandbox.close();
    }
  }
  const report = recorder.report();
  console.log(summaryOf(report));
  return isGood(report) ? 0 : 1;
}

runCommand(USAGE, main);
