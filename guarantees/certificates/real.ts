import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainOf, type Issue, type Use } from './calendar';
import { certificate, type Identity, identity } from './x509';

/** What openssl says of one use: at its first and its last second, and one second after the chain has ended. */
export interface Verified {
  readonly use: Use;
  readonly first: boolean;
  readonly last: boolean;
  readonly after: boolean;
}

/**
 * Issues uses of leaves as real certificates and has openssl verify them as a client would that trusts their root and was shown the rest.
 * @param start seconds since 1970 at which the calendar begins
 * @throws Error where openssl cannot be run
 */
export function verifyReal(uses: readonly Use[], start: number): Verified[] {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  try {
    const mint = new Mint(start);
    return uses.map((use) => {
      const [leaf, ...above] = chainOf(use.issue).map((issue) => mint.pem(issue));
      const root = above.pop() ?? '';
      const file = (name: string, text: string): string => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const files = [
        '-CAfile',
        file('root', root),
        '-untrusted',
        file('between', above.join('')),
        file('leaf', leaf ?? ''),
      ];
      const at = (moment: number): boolean => verify(['-attime', String(start + moment), ...files]);
      return {
        use,
        first: at(use.issue.from),
        last: at(use.until),
        after: at(use.until + use.margin + 1),
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function verify(args: readonly string[]): boolean {
  try {
    execFileSync('openssl', ['verify', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    return true;
  } catch (error) {
    if ((error as { status?: unknown }).status === null || (error as { code?: unknown }).code === 'ENOENT')
      throw error;
    return false;
  }
}

/** Keys and certificates, made when they are first asked for. */
class Mint {
  private readonly keys = new Map<string, Identity>();
  private readonly pems = new Map<string, string>();

  constructor(private readonly start: number) {}

  pem(issue: Issue): string {
    const key = `${issue.certificate.name}@${issue.from}`;
    const known = this.pems.get(key);
    if (known !== undefined) return known;
    const pem = certificate({
      subject: this.identity(issue),
      issuer: this.identity(issue.signer ?? issue),
      from: new Date((this.start + issue.from) * 1000),
      to: new Date((this.start + issue.to) * 1000),
      isAuthority: issue.certificate.issuedFor.isCA === true,
      serial: this.pems.size + 1,
    });
    this.pems.set(key, pem);
    return pem;
  }

  /** As `rotationPolicy` says: a new key each time, or the same for ever. */
  private identity({ certificate: { name, issuedFor }, from }: Issue): Identity {
    const key = issuedFor.privateKey?.rotationPolicy === 'Never' ? name : `${name}@${from}`;
    const known = this.keys.get(key) ?? identity(issuedFor.commonName ?? name);
    this.keys.set(key, known);
    return known;
  }
}
