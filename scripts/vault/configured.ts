import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, run } from '../../acceptance/kubectl';
import { admissionRequests, CONFIGURATION } from '../../constructs/vault-mtls/admission';
import { type Account, roleOf } from '../../constructs/vault-mtls/configuration/needs';
import type { Printed } from './consumers';
import { type Answer, ALIVE, LEADING, Member, type Question, type Stand, until } from './stand';
import { Tokens } from './tokens';

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';

/** Of the member: its address is one that its certificate has. */
const ORDINAL = 10;

export const CHECKER = { namespace: 'vault', name: 'vault-drift' };

/** A Vault of one member that is open, the program that configures it, and an API server that both log in by. */
export class Configured {
  private constructor(
    readonly stand: Stand,
    readonly member: Member,
    readonly tokens: Tokens,
    private readonly keys: Keys,
    private readonly desired: string,
  ) {}

  /** @param here what a file of Vault's is on this machine, by what it is in the pods */
  static async start(
    stand: Stand,
    { hcl, desired, accounts }: Printed,
    here: Readonly<Record<string, string>> = {},
  ): Promise<Configured> {
    const tokens = await Tokens.start(accounts);
    try {
      const member = new Member(stand, ORDINAL);
      member.start(hcl);
      await until('it answers', async () => (await member.status(ALIVE)) === 204);
      const { folder } = stand.sandbox;
      const text = Object.entries({
        'https://kubernetes.default.svc': tokens.server,
        '"/issuing/': `"${folder}/issuing/`,
        ...here,
      }).reduce((all, [there, local]) => all.replaceAll(there, local), desired);
      const file = join(folder, 'desired.json');
      writeFileSync(file, text);
      const vault = new Configured(stand, member, tokens, await open(member), file);
      vault.makeAuthority();
      return vault;
    } catch (error) {
      await tokens.stop();
      throw error;
    }
  }

  /** After somebody has sealed it. */
  unseal(): Promise<void> {
    return unseal(this.member, this.keys);
  }

  stop(): Promise<void> {
    return this.tokens.stop();
  }

  /**
   * What a person does once. Inside a pod Vault knows the API server's authority by itself, and its own token.
   * @param reviewer the account that Vault runs as
   */
  async admit(reviewer = 'vault-members'): Promise<void> {
    for (const [path, body] of Object.entries(admissionRequests('vault'))) {
      const known = {
        kubernetes_host: this.tokens.server,
        kubernetes_ca_cert: this.tokens.authority,
        token_reviewer_jwt: await this.tokens.of('vault', reviewer, ''),
      };
      const { status, body: answer } = await this.member.ask({
        path: `/v1/${path}`,
        method: 'POST',
        token: this.keys.root,
        body: path === 'auth/kubernetes/config' ? { ...body, ...known } : body,
      });
      // As `admit.sh` has it: what is there already is no failure.
      if (status >= 300 && !answer.includes('already in use'))
        throw new Error(`${path}: ${answer.toString()}`);
    }
  }

  /** The program as its pods run it, each with the token of its own account. */
  async program(mode: 'apply' | 'check'): Promise<Outcome> {
    const { folder } = this.stand.sandbox;
    const [role, account] =
      mode === 'apply' ? [CONFIGURATION.role, CONFIGURATION.account] : [roleOf(CHECKER), CHECKER.name];
    const token = join(folder, `token-${mode}`);
    writeFileSync(token, await this.tokens.of('vault', account));
    return run('/usr/bin/env', [
      `VAULT=https://${this.member.address}:8202`,
      `TRUST=${folder}/ca.crt`,
      `ROLE=${role}`,
      `TOKEN_FILE=${token}`,
      `DESIRED=${this.desired}`,
      'PATIENCE_SECONDS=1',
      'PYTHONDONTWRITEBYTECODE=1',
      'python3',
      join(ROOT, 'constructs/vault-mtls/configuration/configure.py'),
      mode,
    ]);
  }

  /** @throws Error where the program does not end well */
  async apply(): Promise<string> {
    const { status, stdout, stderr } = await this.program('apply');
    if (status !== 0) throw new Error(stdout + stderr);
    return stdout;
  }

  /** As root. */
  ask(path: string, method: Question['method'] = 'GET'): Promise<Answer> {
    return this.member.ask({ path, method, token: this.keys.root });
  }

  write(path: string, body: object, token = this.keys.root): Promise<Buffer> {
    return this.member.want({ path, method: 'POST', token, body });
  }

  /** Whether a token of a service account is let in, in a role. */
  tryLogin(role: string, jwt: string): Promise<Answer> {
    return this.member.ask({ path: '/v1/auth/kubernetes/login', method: 'POST', body: { role, jwt } });
  }

  /** The token of somebody who logs in as they are to. */
  async login(account: Account): Promise<string> {
    const { status, body } = await this.tryLogin(
      roleOf(account),
      await this.tokens.of(account.namespace, account.name),
    );
    if (status !== 200) throw new Error(`${account.name} is not let in: ${status} ${body.toString()}`);
    return (JSON.parse(body.toString()) as { auth: { client_token: string } }).auth.client_token;
  }

  /** An authority below the root, as cert-manager gives it to Vault: each time another. */
  makeAuthority(): void {
    const { sandbox, authority } = this.stand;
    mkdirSync(join(sandbox.folder, 'issuing'), { recursive: true });
    const to = new Date(Date.now() + 365 * 24 * 3_600_000);
    authority.write(join(sandbox.folder, 'issuing', 'tls'), 'issuing', { isAuthority: true, to });
  }
}

/** What a Vault is opened with, and who may do anything in it. */
interface Keys {
  readonly root: string;
  readonly key: string;
}

/** Makes the keys of a Vault, and opens it. */
async function open(member: Member): Promise<Keys> {
  const body = { secret_shares: 1, secret_threshold: 1 };
  const made = await member.want({ path: '/v1/sys/init', method: 'PUT', body });
  const { root_token: root, keys_base64 } = JSON.parse(made.toString()) as {
    root_token: string;
    keys_base64: readonly string[];
  };
  const keys = { root, key: keys_base64[0] ?? '' };
  await unseal(member, keys);
  return keys;
}

async function unseal(member: Member, { key }: Keys): Promise<void> {
  await member.want({ path: '/v1/sys/unseal', method: 'PUT', body: { key } });
  await until('it leads', async () => (await member.status(LEADING)) === 200);
}

export function openssl(folder: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8', cwd: folder });
  if (status !== 0) throw new Error(`openssl ${args[0] ?? ''} failed: ${stderr}`);
  return stdout;
}

export const firstLine = (text: string): string => text.split('\n')[0] ?? '';
export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
