import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../../acceptance/sandbox';
import { Authority } from '../../guarantees/certificates/authority';

/** Of the Vault that opens the others. */
export const OPENER = { host: '127.0.0.20', port: 8200, token: 'opener' };
export const READY = '/v1/sys/health?standbyok=true&perfstandbyok=true&uninitcode=204';
export const ALIVE = `${READY}&sealedcode=204`;
export const LEADING = '/v1/sys/health';

/** Long enough for a new leader: a vote takes seconds, and more where other programs want the processor. */
const PATIENCE_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Question {
  readonly path: string;
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly token?: string;
  readonly body?: Buffer | object;
}

/** One Vault on an address of its own, reached as its pod would be: by name, over TLS. */
export class Member {
  readonly address: string;

  constructor(
    private readonly stand: Stand,
    readonly ordinal: number,
    /** The name that it shows. */
    private readonly certificate = 'members',
  ) {
    this.address = `127.0.0.${10 + ordinal}`;
  }

  start(hcl: string): { stop: (signal: NodeJS.Signals) => Promise<void> } {
    const { sandbox, vault } = this.stand;
    const folder = join(sandbox.folder, `member-${this.ordinal}`);
    mkdirSync(join(folder, 'data'), { recursive: true });
    const text = hcl
      .replaceAll('[::]', this.address)
      .replaceAll(
        /leader_api_addr( *)= "https:\/\/vault-members-(\d)[^:]*:(\d+)"/g,
        (_, gap, member, port) => {
          return `leader_api_addr${gap}= "https://127.0.0.${10 + Number(member)}:${port}"`;
        },
      )
      .replaceAll('"/tls/', `"${sandbox.folder}/${this.certificate}/`)
      .replaceAll('/trust/ca.crt', `${sandbox.folder}/ca.crt`)
      .replaceAll('/seal/ca.crt', `${sandbox.folder}/ca.crt`)
      .replaceAll('/vault/data', `${folder}/data`);
    writeFileSync(join(folder, 'vault.hcl'), text);
    const child = sandbox.start(`member-${this.ordinal}`, '/usr/bin/env', [
      `VAULT_TOKEN=${OPENER.token}`,
      // Whom everybody trusts outside.
      `SSL_CERT_FILE=${sandbox.folder}/ca.crt`,
      `VAULT_RAFT_NODE_ID=vault-members-${this.ordinal}`,
      `VAULT_API_ADDR=https://${this.address}:8202`,
      `VAULT_CLUSTER_ADDR=https://${this.address}:8201`,
      ...[vault, 'server', `-config=${folder}/vault.hcl`],
    ]);
    return {
      stop: (signal) =>
        new Promise((done) => {
          child.ref();
          child.once('exit', () => done());
          child.kill(signal);
        }),
    };
  }

  ask({ path, method = 'GET', token, body }: Question): Promise<Answer> {
    const sent = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return new Promise((done, fail) => {
      const call = request(
        {
          ...{
            host: this.address,
            port: 8202,
            path,
            method,
            ca: this.stand.authority.certificate,
            timeout: 10_000,
          },
          servername: `vault-members-${this.ordinal}.${HOST}`,
          headers: token === undefined ? {} : { 'x-vault-token': token },
          agent: false,
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => done({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
          response.on('error', fail);
        },
      );
      call.on('timeout', () => call.destroy(new Error('no answer within 10 s')));
      call.on('error', fail);
      call.end(sent);
    });
  }

  /** The status of an answer; 0 where there is none. */
  async status(path: string): Promise<number> {
    return this.ask({ path }).then(
      ({ status }) => status,
      () => 0,
    );
  }

  /** @throws Error where Vault refuses */
  async want(question: Question): Promise<Buffer> {
    const { status, body } = await this.ask(question);
    if (status >= 300)
      throw new Error(`${question.path} answered ${status}: ${body.toString().slice(0, 200)}`);
    return body;
  }
}

const HOST = 'vault-members.vault.svc.cluster.local';

export interface Stand {
  readonly sandbox: Sandbox;
  readonly vault: string;
  readonly authority: Authority;
}

/** An authority, and certificates with the names that the platform's has, and with another's. */
export function certificates(folder: string): Authority {
  const authority = new Authority('root');
  writeFileSync(join(folder, 'ca.crt'), authority.certificate);
  const names = { members: [`*.${HOST}`, OPENER.host], stranger: ['elsewhere.example'] };
  for (const [name, own] of Object.entries(names)) {
    mkdirSync(join(folder, name));
    authority.write(join(folder, name, 'tls'), name, { names: own });
  }
  return authority;
}

/** Milliseconds until something is so. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < PATIENCE_MS) {
    if (await isSo()) return Math.round(performance.now() - start);
    await sleep(50);
  }
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}

export function same(got: unknown, wanted: unknown, what: string): void {
  if (JSON.stringify(got) !== JSON.stringify(wanted))
    throw new Error(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}
