import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Recorder } from '../../acceptance/report';
import type { Person } from '../../constructs/access';
import type { Desired } from '../../constructs/vault-mtls/configuration/desired';
import { policyNameOf, RIGHTS, SIGNED_IN } from '../../constructs/vault-mtls/configuration/people';
import { CLIENT_SECRET, type SignOn } from '../../constructs/vault-mtls/configuration/sign-on';
import { rulesIn } from '../../guarantees/vault/model';
import { Configured } from './configured';
import { consumers } from './consumers';
import { type Forgery, Provider, type Somebody } from './provider';
import { LEADING, type Question, same, type Stand, until } from './stand';

const PROVIDER = { host: '127.0.0.20', port: 8444 };
const HOST = 'vault.here.example.com';
const REDIRECTS = {
  browser: `https://${HOST}/ui/vault/auth/oidc/oidc/callback`,
  program: 'http://localhost:8250/oidc/callback',
} as const;

const groups: SignOn['groups'] = {
  platform: 'owners',
  onCall: 'on-call',
  auditor: 'auditors',
  developer: 'developers',
};

/** What stands for names in the requests of the table, in the Vault of this proof. */
const NAMES: Readonly<Record<string, string>> = {
  '<entry>': 'test/login',
  '<other>': 'test/other',
  '<name>': policyNameOf('platform'),
  '<key>': 'backups',
  '<role>': 'lighthouse-app-consumer-vault-https',
};

const METHODS: Readonly<Record<string, Question['method']>> = {
  read: 'GET',
  update: 'POST',
  delete: 'DELETE',
};

/** A line of the table as a request. */
function questionOf(line: string): Question {
  const [verb = '', path = ''] = line.split(' ');
  const real = Object.entries(NAMES).reduce((text, [name, value]) => text.replace(name, value), path);
  const body = verb === 'update' ? { data: { password: 'from a person' } } : undefined;
  return { path: `/v1/${real}`, method: METHODS[verb], ...(body ? { body } : {}) };
}

interface SignedIn {
  readonly token: string;
  readonly seconds: number;
  readonly policies: readonly string[];
}

/** People of an identity provider's, in a Vault that was told of it: who gets in, and exactly what they may. */
export async function provePeople(recorder: Recorder, stand: Stand): Promise<void> {
  const step = (name: string, action: () => Promise<string>) => recorder.check('People', name, action);
  const { folder } = stand.sandbox;
  const secret = join(folder, 'sign-on', CLIENT_SECRET.key);
  mkdirSync(join(folder, 'sign-on'));
  const provider = new Provider(join(folder, 'members'), PROVIDER.host, PROVIDER.port, {
    id: 'vault',
    secret: 'first-secret',
    redirects: Object.values(REDIRECTS),
  });
  const write = (value: string): void => writeFileSync(secret, `${value}\n`);
  write(provider.client.secret);

  const printed = consumers({
    ...{ host: HOST, issuer: provider.issuer, clientId: 'vault', groupsClaim: 'groups', groups },
    ...{ range: { name: 'sso.example.com', cidr: `${PROVIDER.host}/32`, port: PROVIDER.port } },
    ...{ secretStore: 'platform', secretPath: 'sign-on/vault' },
  });
  const vault = await Configured.start(stand, printed, { '"/sign-on/': `"${folder}/sign-on/` });
  const { member } = vault;
  const check = async (): Promise<string> => {
    const { status, stdout } = await vault.program('check');
    return status === 0 ? '' : stdout;
  };
  const signIn = async (
    who: Somebody,
    redirect: string = REDIRECTS.program,
  ): Promise<SignedIn | undefined> => {
    provider.signsIn = who;
    const begun = await member.want({
      path: '/v1/auth/oidc/oidc/auth_url',
      method: 'POST',
      body: { redirect_uri: redirect, client_nonce: 'mine' },
    });
    const { data } = JSON.parse(begun.toString()) as { data: { auth_url: string } };
    if (data.auth_url === '') return undefined;
    const back = new URL(await locationOf(data.auth_url, stand));
    if (!back.href.startsWith(`${redirect}?`)) throw new Error(`led back to ${back.href}`);
    back.searchParams.set('client_nonce', 'mine');
    const { status, body } = await member.ask({ path: `/v1/auth/oidc/oidc/callback${back.search}` });
    if (status !== 200) return undefined;
    const { auth } = JSON.parse(body.toString()) as {
      auth: { client_token: string; lease_duration: number; policies: readonly string[] };
    };
    return { token: auth.client_token, seconds: auth.lease_duration, policies: auth.policies };
  };
  const isLetIn = async (who: Somebody, redirect?: string): Promise<boolean> =>
    (await signIn(who, redirect)) !== undefined;
  const personOf = (person: Person): Somebody => ({ sub: `a-${person}`, groups: ['staff', groups[person]] });
  const mustSignIn = async (person: Person, redirect?: string): Promise<SignedIn> => {
    const signedIn = await signIn(personOf(person), redirect);
    if (!signedIn) throw new Error(`${person} was not let in`);
    return signedIn;
  };

  try {
    await vault.admit();
    await step('the provider is away: all else is written, that is said, and stops nothing', async () => {
      const said = await vault.apply();
      if (!said.includes('not written: POST auth/oidc/config: 400')) throw new Error(said);
      const checked = await check();
      if (!checked.includes('auth/oidc/config: is not there')) throw new Error(`check: ${checked}`);
      return lineOf(said, 'not written');
    });
    await provider.start();
    await step('it is back: the rest is written, and whoever looks finds nothing', async () => {
      const said = await vault.apply();
      same(await check(), '', 'what the check says');
      const again = await vault.apply();
      // The client's secret, which nobody can compare.
      if (!again.includes(' 0 differed, 1 written, 0 unknown')) throw new Error(again);
      return lineOf(said, ' declared,');
    });
    await step('the client’s secret is told to nobody', async () => {
      const read = (await vault.ask('/v1/auth/oidc/config')).body.toString();
      const logged = stand.sandbox.lastWords(`member-${member.ordinal}`, 100_000);
      for (const [where, text] of Object.entries({ read, logged, desired: printed.desired }))
        if (text.includes(provider.client.secret)) throw new Error(`it is in what was ${where}`);
      return 'not in what Vault answers, nor in its log and audit, nor in the file';
    });
    await vault.write('/v1/secret/data/test/login', { data: { password: 'open sesame' } });

    await step('three groups sign in, with a program and in a browser, for an hour at most', async () => {
      for (const person of SIGNED_IN) {
        for (const redirect of Object.values(REDIRECTS)) {
          const { seconds, policies } = await mustSignIn(person, redirect);
          same(policies, [policyNameOf(person)], `policies of ${person}`);
          same(seconds, 3600, 'seconds');
        }
      }
      return SIGNED_IN.map((person) => `${person}: ${policyNameOf(person)}`).join('; ');
    });
    await step('developers, people of no group, and people without any are not let in', async () => {
      const others = [
        personOf('developer'),
        { sub: 'a-guest', groups: ['staff'] },
        { sub: 'nobody', groups: [] },
        { sub: 'silent' },
      ];
      for (const who of others) same(await isLetIn(who), false, `the sign-in of ${who.sub}`);
      const ids = JSON.parse((await vault.ask('/v1/identity/entity/id?list=true')).body.toString()) as {
        data: { key_info: Record<string, { aliases: readonly { name: string; mount_type: string }[] }> };
      };
      const known = Object.values(ids.data.key_info).flatMap(({ aliases }) =>
        aliases.filter(({ mount_type: kind }) => kind === 'oidc').map(({ name }) => name),
      );
      same(known.sort(), SIGNED_IN.map((person) => personOf(person).sub).sort(), 'whom Vault knows');
      return `${others.map(({ sub }) => sub).join(', ')}: refused, and not remembered`;
    });
    await step('tokens of others, and other ways back, are refused', async () => {
      const forgeries: readonly Forgery[] = ['audience', 'issuer', 'nonce', 'signature', 'expired'];
      for (const forgery of forgeries) {
        provider.forges = forgery;
        same(await isLetIn(personOf('platform')), false, `a token with another ${forgery}`);
      }
      provider.forges = undefined;
      const astray = await isLetIn(personOf('platform'), 'https://elsewhere.example/oidc/callback');
      same(astray, false, 'another way back');
      return `${forgeries.join(', ')}; https://elsewhere.example`;
    });

    const signedIn = new Map<Person, SignedIn>();
    for (const person of SIGNED_IN) signedIn.set(person, await mustSignIn(person));
    const ask = (person: Person, question: Question) =>
      member.ask({ ...question, token: signedIn.get(person)?.token });
    await step('each line of the table is so for each who is signed in', async () => {
      const counts = { allowed: 0, refused: 0 };
      // Sealed last of all, for it takes everything away.
      const lines = RIGHTS.toSorted((a, b) => Number(isSealing(a.request)) - Number(isSealing(b.request)));
      for (const { what, request: line, may } of lines) {
        for (const person of SIGNED_IN) {
          const { status } = await ask(person, questionOf(line));
          const isRight = may.includes(person) ? status >= 200 && status < 300 : status === 403;
          if (!isRight) throw new Error(`${person}, ${what} (${line}): ${status}`);
          counts[may.includes(person) ? 'allowed' : 'refused'] += 1;
          if (isSealing(line) && status === 204) await vault.unseal();
          if (/step-down/.test(line))
            await until('it leads', async () => (await member.status(LEADING)) === 200);
        }
      }
      const { data } = JSON.parse((await vault.ask('/v1/secret/data/test/login')).body.toString()) as {
        data: { data: { password: string } };
      };
      same(data.data.password, 'from a person', 'what was written');
      return `${counts.allowed} allowed, ${counts.refused} refused`;
    });
    await step('each path that one may read is answered, list or object', async () => {
      let count = 0;
      for (const person of SIGNED_IN) {
        for (const { path, list } of readingIn(printed.desired, person)) {
          const { status } = await ask(person, { path: `/v1/${path}${list ? '?list=true' : ''}` });
          same(status, 200, `the status of ${path} for ${person}`);
          count += 1;
        }
      }
      return `${count} answers`;
    });
    await step(
      'what was changed by hand is told, and mended; ways in that nobody declared are told',
      async () => {
        const group = `/v1/identity/group/name/${policyNameOf('platform')}`;
        const { data } = JSON.parse((await vault.ask(group)).body.toString()) as {
          data: { alias: { id: string; mount_accessor: string; canonical_id: string } };
        };
        const { id, mount_accessor, canonical_id } = data.alias;
        await vault.write(`/v1/identity/group-alias/id/${id}`, {
          name: 'developers',
          mount_accessor,
          canonical_id,
        });
        await vault.write('/v1/auth/oidc/role/people', {
          role_type: 'oidc',
          user_claim: 'sub',
          token_policies: ['root-ish'],
        });
        await vault.write('/v1/sys/auth/userpass', { type: 'userpass' });
        await vault.write('/v1/identity/group/name/friends', {
          type: 'internal',
          policies: [policyNameOf('platform')],
        });
        const told = await check();
        const wanted = [
          'identity/group-alias: name differs',
          'auth/oidc/role/people: token_policies differs',
          'sys/auth/userpass: nobody declared it',
          'identity/group/name/friends: nobody declared it',
        ];
        for (const line of wanted) if (!told.includes(line)) throw new Error(`${line} is not in: ${told}`);
        same(await isLetIn(personOf('developer')), false, 'the sign-in of a developer');
        const mended = await vault.apply();
        await vault.ask('/v1/sys/auth/userpass', 'DELETE');
        await vault.ask('/v1/identity/group/name/friends', 'DELETE');
        same(await check(), '', 'what the check says afterwards');
        await mustSignIn('platform');
        return lineOf(mended, ' declared,');
      },
    );
    await step('another secret of the client’s is known after the program has run again', async () => {
      provider.client = { ...provider.client, secret: 'second-secret' };
      same(await isLetIn(personOf('auditor')), false, 'a sign-in with the old one');
      write('second-secret');
      await vault.apply();
      await mustSignIn('auditor');
      return 'refused with the old one, let in with the new';
    });
    await step(
      'the provider takes connections and says nothing, or is away again: who is signed in stays so, nothing fails',
      async () => {
        provider.isMute = true;
        const mute = await vault.apply();
        await provider.stop();
        const away = await vault.apply();
        const { status } = await ask('platform', { path: '/v1/auth/token/lookup-self' });
        same(status, 200, 'the status for who is signed in');
        same(await check(), '', 'what the check says');
        return [mute, away].map((said) => lineOf(said, 'not written')).join('; ');
      },
    );
  } finally {
    await provider.stop();
    await vault.stop();
  }
}

const isSealing = (line: string): boolean => line.endsWith('sys/seal');

/** What the policy of some people lets them read, and list. */
function readingIn(desired: string, person: Person): { readonly path: string; readonly list: boolean }[] {
  const { objects } = JSON.parse(desired) as Pick<Desired, 'objects'>;
  const { body } = objects.find(({ path }) => path === `sys/policies/acl/${policyNameOf(person)}`) ?? {};
  return rulesIn(String(body?.['policy'])).flatMap(({ path, capabilities }) =>
    (['read', 'list'] as const)
      .filter((capability) => capabilities.includes(capability))
      .map((capability) => ({ path, list: capability === 'list' })),
  );
}

/** Where a browser is led by the provider. */
function locationOf(url: string, { authority }: Stand): Promise<string> {
  return new Promise((done, fail) => {
    const call = request(url, { ca: authority.certificate, agent: false }, (response) => {
      response.resume();
      const { location } = response.headers;
      if (location === undefined) fail(new Error(`the provider answered ${response.statusCode ?? 0}`));
      else done(location);
    });
    call.on('error', fail);
    call.end();
  });
}

/** The line of a text that has some words. */
const lineOf = (text: string, words: string): string =>
  text.split('\n').find((line) => line.includes(words)) ?? '';
