import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';

/** Somebody whom the provider knows. */
export interface Somebody {
  readonly sub: string;
  /** Undefined: the provider says nothing of groups. */
  readonly groups?: readonly string[];
}

/** What an attacker would have another token say, or be. */
export type Forgery = 'audience' | 'issuer' | 'nonce' | 'signature' | 'expired';

export interface Client {
  readonly id: string;
  readonly secret: string;
  readonly redirects: readonly string[];
}

/** A sign-on that was begun, by its code. */
interface Begun {
  readonly somebody: Somebody;
  readonly redirect: string;
  readonly nonce: string;
  readonly challenge: string;
}

const PATH = '/realms/test';
const KEY = 'one';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Stands in for an identity provider: discovery, keys, authorization with PKCE, tokens, and who somebody is, as OpenID Connect
 * has them. Whoever comes with a browser is whom `signsIn` says.
 */
export class Provider {
  readonly issuer: string;
  signsIn?: Somebody;
  forges?: Forgery;
  /** Whether it takes connections and says nothing more. */
  isMute = false;
  client: Client;
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  private readonly others = generateKeyPairSync('rsa', { modulusLength: 2048 });
  private readonly begun = new Map<string, Begun>();
  private server?: Server;

  /** @param tls folder of the certificate that it shows */
  constructor(
    private readonly tls: string,
    private readonly host: string,
    private readonly port: number,
    client: Client,
  ) {
    this.issuer = `https://${host}:${port}${PATH}`;
    this.client = client;
  }

  start(): Promise<void> {
    const [cert, key] = ['crt', 'key'].map((kind) => readFileSync(`${this.tls}/tls.${kind}`));
    const server = createServer({ cert, key }, (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (!this.isMute) this.answer(request, Buffer.concat(parts).toString(), response);
      });
    });
    this.server = server;
    return new Promise((done) => server.listen(this.port, this.host, done));
  }

  stop(): Promise<void> {
    const { server } = this;
    if (!server) return Promise.resolve();
    server.closeAllConnections();
    return new Promise((done) => server.close(() => done()));
  }

  private answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', this.issuer);
    const { authorization = '' } = request.headers;
    const json = (value: object | undefined, status = value ? 200 : 401): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value ?? { error: 'invalid_client' }));
    };
    switch (pathname) {
      case `${PATH}/.well-known/openid-configuration`:
        return json(this.discovery());
      case `${PATH}/keys`:
        return json({ keys: [{ ...this.keys.publicKey.export({ format: 'jwk' }), kid: KEY, use: 'sig' }] });
      case `${PATH}/authorize`: {
        const to = this.authorize(searchParams);
        return void response.writeHead(to ? 302 : 400, to ? { location: to } : {}).end();
      }
      case `${PATH}/token`:
        return json(this.token(new URLSearchParams(body), authorization));
      case `${PATH}/userinfo`:
        return json(authorization === 'Bearer access' ? this.claims() : undefined);
      default:
        return json({}, 404);
    }
  }

  private discovery(): object {
    const at = (name: string): string => `${this.issuer}/${name}`;
    return {
      issuer: this.issuer,
      authorization_endpoint: at('authorize'),
      token_endpoint: at('token'),
      userinfo_endpoint: at('userinfo'),
      jwks_uri: at('keys'),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }

  /** Where a browser is led back to; undefined where it is not what this client may ask. */
  private authorize(asked: URLSearchParams): string | undefined {
    const redirect = asked.get('redirect_uri') ?? '';
    const isRight =
      asked.get('client_id') === this.client.id &&
      asked.get('response_type') === 'code' &&
      asked.get('code_challenge_method') === 'S256' &&
      (asked.get('scope') ?? '').split(' ').includes('openid') &&
      this.client.redirects.includes(redirect);
    if (!isRight || !this.signsIn) return undefined;
    const code = randomBytes(16).toString('hex');
    const [nonce, challenge] = ['nonce', 'code_challenge'].map((name) => asked.get(name) ?? '');
    this.begun.set(code, {
      somebody: this.signsIn,
      redirect,
      nonce: nonce ?? '',
      challenge: challenge ?? '',
    });
    return `${redirect}?${new URLSearchParams({ code, state: asked.get('state') ?? '' }).toString()}`;
  }

  private token(asked: URLSearchParams, authorization: string): object | undefined {
    const begun = this.begun.get(asked.get('code') ?? '');
    this.begun.delete(asked.get('code') ?? '');
    const shown = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
    const verifier = createHash('sha256')
      .update(asked.get('code_verifier') ?? '')
      .digest('base64url');
    const isRight =
      shown === `${this.client.id}:${encodeURIComponent(this.client.secret)}` &&
      begun?.redirect === asked.get('redirect_uri') &&
      begun?.challenge === verifier;
    if (!isRight || !begun) return undefined;
    return { access_token: 'access', token_type: 'Bearer', expires_in: 60, id_token: this.idToken(begun) };
  }

  private idToken({ nonce }: Begun): string {
    const now = Math.floor(Date.now() / 1000);
    const forged = <T>(forgery: Forgery, wrong: T, right: T): T => (this.forges === forgery ? wrong : right);
    const claims = {
      ...this.claims(),
      iss: forged('issuer', 'https://elsewhere.example', this.issuer),
      aud: forged('audience', 'grafana', this.client.id),
      nonce: forged('nonce', 'another', nonce),
      iat: now - forged('expired', 7200, 0),
      exp: forged('expired', now - 3600, now + 60),
    };
    const text = `${encode({ alg: 'RS256', kid: KEY })}.${encode(claims)}`;
    return `${text}.${sign(text, forged('signature', this.others, this.keys).privateKey)}`;
  }

  private claims(): object {
    const { sub = '', groups } = this.signsIn ?? {};
    return { sub, preferred_username: `${sub}@example.com`, ...(groups ? { groups } : {}) };
  }
}

function sign(text: string, key: KeyObject): string {
  return createSign('sha256').update(text).sign(key).toString('base64url');
}
