import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Recorder } from '../../acceptance/report';
import { roleOf } from '../../constructs/vault-mtls/configuration/needs';
import { CHECKER, Configured, firstLine, lastLine, openssl } from './configured';
import { consumers } from './consumers';
import { type Member, same, type Stand } from './stand';

const READER = { namespace: 'app', name: 'login-store' };
const SIGNED = { namespace: 'app', name: 'consumer-vault-https' };
const USER = { namespace: 'app', name: 'consumer' };

const NAME = 'consumer.app.svc.cluster.local';

const ENTRY = '/v1/secret/data/test/login';

/** What Vault is told to hold, written by the program that does so in the cluster, and what its clients then may and may not. */
export async function proveConfiguration(recorder: Recorder, stand: Stand): Promise<void> {
  const step = (name: string, action: () => Promise<string>) => recorder.check('Configuration', name, action);
  const { folder } = stand.sandbox;
  const vault = await Configured.start(stand, consumers());
  const { member, tokens } = vault;
  const sign = (token: string, name: string): ReturnType<Member['ask']> => {
    const body = { csr: requestFor(folder, name), ttl: '2160h' };
    return member.ask({ path: `/v1/pki/sign/${roleOf(SIGNED)}`, method: 'POST', token, body });
  };

  try {
    await step('before a person has let it in, the program says so and stops nothing', async () => {
      const [applied, checked] = [await vault.program('apply'), await vault.program('check')];
      same([applied.status, checked.status], [0, 1], 'exit statuses');
      return firstLine(applied.stdout);
    });
    await step('as an account that may not ask whose a token is, Vault lets nobody in', async () => {
      await vault.admit('default');
      const { stdout } = await vault.program('apply');
      if (!stdout.includes('was not let in')) throw new Error(stdout);
      return firstLine(stdout);
    });
    await step('a person lets it in; what is declared is written from nothing', async () => {
      await vault.admit();
      return lastLine(await vault.apply());
    });
    await step('a second time nothing is written, and whoever looks finds nothing', async () => {
      const applied = await vault.program('apply');
      if (!applied.stdout.includes(' 0 differed, 0 written, 0 unknown')) throw new Error(applied.stdout);
      const checked = await vault.program('check');
      same(checked.status, 0, checked.stdout + checked.stderr);
      return lastLine(checked.stdout);
    });
    await step('what was changed by hand is told, and mended; what is unknown is told and left', async () => {
      await vault.write(`/v1/sys/policies/acl/${roleOf(READER)}`, {
        policy: 'path "secret/*" { capabilities = ["read"] }',
      });
      await vault.write('/v1/sys/mounts/pki/tune', { max_lease_ttl: '87600h' });
      await vault.write('/v1/sys/policies/acl/lighthouse-stranger', {
        policy: 'path "a" { capabilities = ["read"] }',
      });
      const told = await vault.program('check');
      same(told.status, 1, 'exit status');
      for (const wanted of [`acl/${roleOf(READER)}: policy differs`, 'pki/tune', 'lighthouse-stranger'])
        if (!told.stdout.includes(wanted)) throw new Error(`${wanted} is not in: ${told.stdout}`);
      const mended = await vault.program('apply');
      if (!mended.stdout.includes(' 2 differed, 2 written, 1 unknown')) throw new Error(mended.stdout);
      const stranger = '/v1/sys/policies/acl/lighthouse-stranger';
      same((await vault.ask(stranger)).status, 200, 'the status of what is unknown');
      await vault.ask(stranger, 'DELETE');
      same((await vault.program('check')).status, 0, 'exit status afterwards');
      return lastLine(mended.stdout);
    });
    await step('whoever looks may change nothing', async () => {
      const token = await vault.login(CHECKER);
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
      await vault.write(ENTRY, { data: { password: 'open sesame' } });
      await vault.write('/v1/secret/data/test/other', { data: { password: 'closed' } });
      const token = await vault.login(READER);
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
      const others = [
        await tokens.of('app', 'default'),
        await tokens.of('other', READER.name),
        await tokens.of(READER.namespace, READER.name, 'kubernetes'),
        await tokens.of(READER.namespace, READER.name, ''),
      ];
      const statuses: number[] = [];
      for (const jwt of others) statuses.push((await vault.tryLogin(roleOf(READER), jwt)).status);
      if (statuses.some((status) => status < 400)) throw new Error(`let in: ${statuses.join()}`);
      return `statuses ${statuses.join(', ')}`;
    });
    await step('a key encrypts and decrypts for whom it is for, and is shown to nobody', async () => {
      const token = await vault.login(USER);
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
        (await ask('decrypt/backups', sealed, await vault.login(READER))).status,
        (await member.ask({ path: exported, token })).status,
        (await vault.ask(exported)).status,
      ];
      same(others, [403, 403, 403, 400], 'statuses');
      return `${sealed.ciphertext.slice(0, 9)}…; another key, another role, its export: 403; its export by root: 400`;
    });
    await step(
      'a certificate is signed for its own name, below the root, and refused for another',
      async () => {
        const token = await vault.login(SIGNED);
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
      vault.makeAuthority();
      same((await vault.program('check')).status, 1, 'exit status of the check');
      const applied = await vault.apply();
      same((await vault.program('check')).status, 0, 'exit status of the check afterwards');
      const token = await vault.login(SIGNED);
      verify(folder, (await sign(token, NAME)).body);
      return lastLine(applied);
    });
  } finally {
    await vault.stop();
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

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
