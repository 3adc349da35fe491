import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';

/** What is asked of the API server about a token, and what it answers (authentication.k8s.io/v1, TokenReview). */
interface Review {
  readonly spec: { readonly token: string; readonly audiences?: readonly string[] };
}

interface Claims {
  readonly sub: string;
  readonly aud: readonly string[];
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Stands in for the API server where Vault asks whose a token is: it makes tokens of service accounts as Kubernetes does, and
 * vouches for its own.
 */
export class Tokens {
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

  private constructor(private readonly server: Server) {}

  /** @param tls folder of the certificate that it shows */
  static async start(tls: string, host: string, port: number): Promise<Tokens> {
    const server = createServer({
      cert: readFileSync(`${tls}/tls.crt`),
      key: readFileSync(`${tls}/tls.key`),
    });
    const tokens = new Tokens(server);
    server.on('request', (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { spec } = JSON.parse(Buffer.concat(parts).toString()) as Review;
        response.setHeader('content-type', 'application/json');
        response.statusCode = 201;
        response.end(
          JSON.stringify({
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenReview',
            metadata: {},
            spec,
            status: tokens.review(spec),
          }),
        );
      });
    });
    await new Promise<void>((done) => server.listen(port, host, done));
    return tokens;
  }

  /** A token of a service account. */
  of(namespace: string, name: string, audience = 'vault'): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'https://kubernetes.default.svc.cluster.local',
      sub: `system:serviceaccount:${namespace}:${name}`,
      aud: [audience],
      iat: now,
      nbf: now,
      exp: now + 600,
      'kubernetes.io': { namespace, serviceaccount: { name, uid: uidOf(namespace, name) } },
    };
    const text = `${encode({ alg: 'RS256', kid: 'one' })}.${encode(claims)}`;
    return `${text}.${createSign('sha256').update(text).sign(this.keys.privateKey).toString('base64url')}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private review({ token, audiences = [] }: Review['spec']): object {
    const [head = '', body = '', signature = ''] = token.split('.');
    const isOwn = createVerify('sha256')
      .update(`${head}.${body}`)
      .verify(this.keys.publicKey, signature, 'base64url');
    if (!isOwn) return { authenticated: false, error: 'the signature is not mine' };
    const { sub, aud } = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
    const meant = aud.filter((each) => audiences.length === 0 || audiences.includes(each));
    if (meant.length === 0) return { authenticated: false, error: 'for somebody else' };
    const [, , namespace = '', name = ''] = sub.split(':');
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    return {
      authenticated: true,
      user: { username: sub, uid: uidOf(namespace, name), groups },
      audiences: meant,
    };
  }
}

function uidOf(namespace: string, name: string): string {
  return `uid-of-${namespace}-${name}`;
}
