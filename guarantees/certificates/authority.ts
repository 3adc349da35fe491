import { writeFileSync } from 'node:fs';
import { certificate, identity } from './x509';

const HOUR_MS = 3_600_000;

/** What a certificate is to say, where that is not the usual. */
export interface Leaf {
  /**
   * Host names and addresses that it is for.
   * @default - none
   */
  readonly names?: readonly string[];
  /**
   * When it ends.
   * @default - in a day
   */
  readonly to?: Date;
  /**
   * Whether it may sign others.
   * @default false
   */
  readonly isAuthority?: boolean;
}

/** A certificate and its key, both PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority for programs that are tried: real certificates, good or bad, that only its own key can sign. */
export class Authority {
  /** What those who trust it are given, PEM. */
  readonly certificate: string;
  private readonly self;
  private serial = 1;

  constructor(name = 'ca') {
    this.self = identity(name);
    this.certificate = certificate({
      ...{ subject: this.self, issuer: this.self, isAuthority: true, serial: this.serial },
      ...span(),
    });
  }

  /** A certificate with a new key. */
  issue(name: string, { names, to, isAuthority = false }: Leaf = {}): Issued {
    const subject = identity(name);
    this.serial += 1;
    return {
      certificate: certificate({
        ...{ subject, issuer: this.self, isAuthority, serial: this.serial, names },
        ...span(to),
      }),
      key: subject.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  /** The same, written to `PATH.crt` and `PATH.key`. */
  write(path: string, name: string, leaf?: Leaf): void {
    const issued = this.issue(name, leaf);
    writeFileSync(`${path}.crt`, issued.certificate);
    writeFileSync(`${path}.key`, issued.key, { mode: 0o600 });
  }
}

/** From an hour before, as clocks differ, to an end. */
function span(to = new Date(Date.now() + 24 * HOUR_MS)): { readonly from: Date; readonly to: Date } {
  return { from: new Date(Math.min(Date.now(), to.getTime()) - HOUR_MS), to };
}

/** An end that is over. */
export const ENDED = new Date(Date.now() - HOUR_MS);
