import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../acceptance/kubectl';
import type { Recorder } from '../../acceptance/report';
import { admissionRequests, CONFIGURATION } from '../../constructs/vault-mtls/admission';
import { roleOf } from '../../constructs/vault-mtls/configuration/needs';
import { consumers } from './consumers';
import { ALIVE, LEADING, Member, same, type Stand, until } from './stand';
import { Tokens } from './tokens';

/** Of the member: the address that its certificate has. */
const ORDINAL = 10;
const API_SERVER = { host: '127.0.0.20', port: 6443 };

const CHECKER = { namespace: 'vault', name: 'vault-drift' };
const READER = { namespace: 'app', name: 'login-store' };
const SIGNED = { namespace: 'app', name: 'consumer-vault-https' };

const USER = { namespace: 'app', name: 'consumer' };

const NAME = 'consumer.app.svc.cluster.local';

const ENTRY = '/v1/secret/data/test/login';

/** What Vault is told to hold, written by the program that does so in the cluster, and what its clients then may and may not. */
export async function proveConfiguration(recorder: Recorder, stand: Stand): Promise<void> {
  const step = (name: string, action: () => Promise<string>) => recorder.check('Configuration', name, action);
  const { hcl, desired } = consumers();
  const { folder } = stand.sandbox;
  const member = new Member(stand, ORDINAL);
  member.start(hcl);
  await until('it answers', async () => (await member.status(ALIVE)) === 204);
  const tokens = await Tokens.start(join(folder, 'members'), API_SERVER.host, API_SERVER.port);
  const program = programOf(stand, tokens, desired);
  const root = await open(member);

  const write = (path: string, body: object, token = root): Promise<Buffer> =>
    member.want({ path, method: 'POST', token, body });
  const login = async (role: string, jwt: string): Promise<string> => {
    const answer = await member.want({
      path: '/v1/auth/kubernetes/login',
      method: 'POST',
      body: { role, jwt },
    });
    return (JSON.parse(answer.toString()) as { auth: { client_token: string } }).auth.client_token;
  };
  const sign = (token: string, name: string): ReturnType<Member['ask']> => {
    const body = { csr: requestFor(folder, name), ttl: '2160h' };
    return member.ask({ path: `/v1/pki/sign/${roleOf(SIGNED)}`, method: 'POST', token, body });
  };
  const loginAs = (account: { namespace: string; name: string }): Promise<string> =>
    login(roleOf(account), tokens.of(account.namespace, account.name));

  try {
    await step('before a person has let it in, the program says so and stops nothing', async () => {
      const [applied, checked] = [await program('apply'), await program('check')];
      same([applied.status, checked.status], [0, 1], 'exit statuses');
      return firstLine(applied.stdout);
    });
    await step('a person lets it in; what is declared is written from nothing', async () => {
      for (const [path, body] of Object.entries(admissionRequests('vault'))) {
        const more = path === 'auth/kubernetes/config' ? reviewing(stand, tokens) : {};
        await write(`/v1/${path}`, { ...body, ...more });
      }
      const applied = await program('apply');
      if (applied.status !== 0) throw new Error(applied.stdout + applied.stderr);
      return lastLine(applied.stdout);
    });
    await step('a second time nothing is written, and whoever looks finds nothing', async () => {
      const applied = await program('apply');
      if (!applied.stdout.includes(' 0 differed, 0 written, 0 unknown')) throw new Error(applied.stdout);
      const checked = await program('check');
      same(checked.status, 0, checked.stdout + checked.stderr);
      return lastLine(checked.stdout);
    });
    await step('what was changed by hand is told, and mended; what is unknown is told and left', async () => {
      await write(`/v1/sys/policies/acl/${roleOf(READER)}`, {
        policy: 'path "secret/*" { capabilities = ["read"] }',
      });
      await write('/v1/sys/mounts/pki/tune', { max_lease_ttl: '87600h' });
      await write('/v1/sys/policies/acl/lighthouse-stranger', {
        policy: 'path "a" { capabilities = ["read"] }',
      });
      const told = await program('check');
      same(told.status, 1, 'exit status');
      for (const wanted of [`acl/${roleOf(READER)}: policy differs`, 'pki/tune', 'lighthouse-stranger'])
        if (!told.stdout.includes(wanted)) throw new Error(`${wanted} is not in: ${told.stdout}`);
      const mended = await program('apply');
      if (!mended.stdout.includes(' 2 differed, 2 written, 1 unknown')) throw new Error(mended.stdout);
      await member.want({ path: '/v1/sys/policies/acl/lighthouse-stranger', token: root });
      await member.ask({ path: '/v1/sys/policies/acl/lighthouse-stranger', method: 'DELETE', token: root });
      same((await program('check')).status, 0, 'exit status afterwards');
      return lastLine(mended.stdout);
    });
    await step('whoever looks may change nothing', async () => {
      const token = await loginAs(CHECKER);
      const path = `/v1/sys/policies/acl/${roleOf(CHECKER)}`;
      const body = { policy: 'path "*" { capabilities = ["read"] }' };
      const statuses = [
        (await member.ask({ path, method: 'POST', token, body })).status,
        (await member.ask({ path: '/v1/sys/audit/other', method: 'POST', token, body: { type: 'file' } }))
          .status,
        (await member.ask({ path: ENTRY, token })).status,
      ];
      same(statuses, [403, 403, 403], 'statuses');
      return 'policies, audit devices and secrets: 403';
    });
    await step("a role reads its own secret and is refused another's", async () => {
      await write(ENTRY, { data: { password: 'open sesame' } });
      await write('/v1/secret/data/test/other', { data: { password: 'closed' } });
      const token = await loginAs(READER);
      const own = await member.want({ path: ENTRY, token });
      same(own.includes('open sesame'), true, 'the value');
      const others = [
        (await member.ask({ path: '/v1/secret/data/test/other', token })).status,
        (await member.ask({ path: ENTRY, method: 'POST', token, body: { data: {} } })).status,
      ];
      same(others, [403, 403], 'statuses');
      return 'its own: 200; another, and writing its own: 403';
    });
    await step('a token of another account, or for somebody else, is not let in', async () => {
      const ask = async (jwt: string): Promise<number> =>
        (
          await member.ask({
            path: '/v1/auth/kubernetes/login',
            method: 'POST',
            body: { role: roleOf(READER), jwt },
          })
        ).status;
      const statuses = [
        await ask(tokens.of('app', 'default')),
        await ask(tokens.of('other', READER.name)),
        await ask(tokens.of(READER.namespace, READER.name, 'kubernetes')),
      ];
      if (statuses.some((status) => status < 400)) throw new Error(`let in: ${statuses.join()}`);
      return `statuses ${statuses.join(', ')}`;
    });
    await step('a key encrypts and decrypts for whom it is for, and is shown to nobody', async () => {
      const token = await loginAs(USER);
      const ask = (what: string, body: object, as = token): ReturnType<Member['ask']> =>
        member.ask({ path: `/v1/transit/${what}`, method: 'POST', token: as, body });
      const plaintext = Buffer.from('a copy of the events').toString('base64');
      const { data: sealed } = JSON.parse((await ask('encrypt/backups', { plaintext })).body.toString()) as {
        data: { ciphertext: string };
      };
      const opened = await ask('decrypt/backups', sealed);
      same(opened.body.includes(plaintext), true, 'what was decrypted');
      const exported = '/v1/transit/export/encryption-key/backups';
      const others = [
        (await ask('encrypt/others', { plaintext })).status,
        (await ask('decrypt/backups', sealed, await loginAs(READER))).status,
        (await member.ask({ path: exported, token })).status,
        (await member.ask({ path: exported, token: root })).status,
      ];
      same(others, [403, 403, 403, 400], 'statuses');
      return `${sealed.ciphertext.slice(0, 9)}…; another key, another role, its export: 403; its export by root: 400`;
    });
    await step(
      'a certificate is signed for its own name, below the root, and refused for another',
      async () => {
        const token = await loginAs(SIGNED);
        const mine = await sign(token, NAME);
        if (mine.status !== 200) throw new Error(mine.body.toString());
        verify(folder, mine.body);
        const others = [
          'other.app.svc.cluster.local',
          'x.consumer.app.svc.cluster.local',
          '*.app.svc.cluster.local',
        ];
        for (const name of others) same((await sign(token, name)).status, 400, `the status for ${name}`);
        return `verified against the root; ${others.join(', ')}: 400`;
      },
    );
    await step('a renewed authority is what is signed with next', async () => {
      makeAuthority(stand);
      same((await program('check')).status, 1, 'exit status of the check');
      const applied = await program('apply');
      if (applied.status !== 0) throw new Error(applied.stdout + applied.stderr);
      same((await program('check')).status, 0, 'exit status of the check afterwards');
      const token = await loginAs(SIGNED);
      verify(folder, (await sign(token, NAME)).body);
      return lastLine(applied.stdout);
    });
  } finally {
    tokens.close();
  }
}

/** Makes the keys of a Vault, and opens it; the root token. */
async function open(member: Member): Promise<string> {
  const body = { secret_shares: 1, secret_threshold: 1 };
  const made = await member.want({ path: '/v1/sys/init', method: 'PUT', body });
  const { root_token: root, keys_base64: keys } = JSON.parse(made.toString()) as {
    root_token: string;
    keys_base64: readonly string[];
  };
  await member.want({ path: '/v1/sys/unseal', method: 'PUT', body: { key: keys[0] } });
  await until('it leads', async () => (await member.status(LEADING)) === 200);
  return root;
}

/** The program as its pods run it, each with the token of its own account. */
function programOf(stand: Stand, tokens: Tokens, desired: string) {
  const { folder } = stand.sandbox;
  makeAuthority(stand);
  const file = join(folder, 'desired.json');
  const here = desired
    .replaceAll('https://kubernetes.default.svc', `https://${API_SERVER.host}:${API_SERVER.port}`)
    .replaceAll('"/issuing/', `"${folder}/issuing/`);
  writeFileSync(file, here);
  const who = {
    apply: { role: CONFIGURATION.role, account: CONFIGURATION.account },
    check: { role: roleOf(CHECKER), account: CHECKER.name },
  };
  return async (mode: 'apply' | 'check') => {
    const token = join(folder, `token-${mode}`);
    writeFileSync(token, tokens.of('vault', who[mode].account));
    return run('/usr/bin/env', [
      `VAULT=https://${API_SERVER.host}:8202`,
      `TRUST=${folder}/ca.crt`,
      `ROLE=${who[mode].role}`,
      `TOKEN_FILE=${token}`,
      `DESIRED=${file}`,
      'PATIENCE_SECONDS=1',
      'PYTHONDONTWRITEBYTECODE=1',
      'python3',
      join(ROOT, 'constructs/vault-mtls/configuration/configure.py'),
      mode,
    ]);
  };
}

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';

/** What Vault knows of the API server by itself when it runs in a pod. */
function reviewing({ authority }: Stand, tokens: Tokens): object {
  return {
    kubernetes_host: `https://${API_SERVER.host}:${API_SERVER.port}`,
    kubernetes_ca_cert: authority.certificate,
    token_reviewer_jwt: tokens.of('vault', 'vault-members', 'https://kubernetes.default.svc'),
  };
}

function openssl(folder: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8', cwd: folder });
  if (status !== 0) throw new Error(`openssl ${args[0] ?? ''} failed: ${stderr}`);
  return stdout;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

/** An authority below the root, as cert-manager gives it to Vault: each time another. */
function makeAuthority({ sandbox: { folder }, authority }: Stand): void {
  mkdirSync(join(folder, 'issuing'), { recursive: true });
  const to = new Date(Date.now() + 365 * 24 * 3_600_000);
  authority.write(join(folder, 'issuing', 'tls'), 'issuing', { isAuthority: true, to });
}

/** A request for a certificate as cert-manager makes it: the name is among the alternative ones alone. */
function requestFor(folder: string, name: string): string {
  return openssl(
    folder,
    ...['req', '-new', ...KEY, '-subj', '/', '-addext', `subjectAltName=DNS:${name}`, '-keyout', 'leaf.key'],
  );
}

/** Whether a signed certificate goes back to the root. */
function verify(folder: string, answer: Buffer): void {
  const { data } = JSON.parse(answer.toString()) as {
    data: { certificate: string; issuing_ca: string };
  };
  writeFileSync(join(folder, 'leaf.crt'), data.certificate);
  writeFileSync(join(folder, 'between.crt'), data.issuing_ca);
  openssl(folder, 'verify', '-CAfile', 'ca.crt', '-untrusted', 'between.crt', 'leaf.crt');
  same(readFileSync(join(folder, 'issuing/tls.crt'), 'utf8').trim(), data.issuing_ca.trim(), 'the signer');
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
