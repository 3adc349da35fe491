import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';

/** Everybody who logs in to a control plane, with a token of his own: names and groups decide what they may do. */
const USERS = {
  admin: { user: 'admin', group: 'system:masters' },
  'kube-controller-manager': { user: 'system:kube-controller-manager', group: '' },
  'kube-scheduler': { user: 'system:kube-scheduler', group: '' },
} as const;

type UserName = keyof typeof USERS;

const USER_NAMES = Object.keys(USERS) as readonly UserName[];

/** Who may log in to a control plane, and the keys that tokens of service accounts are signed with: made anew, as files. */
export class Logins {
  /** Which token is whose. */
  readonly tokens: string;
  readonly privateKey: string;
  readonly publicKey: string;
  /** Where the API server puts the certificate that it makes for itself. */
  readonly serving: string;
  /** Whom to trust when talking to it; there once it has started. */
  readonly authority: string;
  private readonly secrets = new Map(USER_NAMES.map((name) => [name, randomBytes(32).toString('hex')]));

  /** @param port of the API server, on loopback */
  constructor(
    private readonly folder: string,
    private readonly port: string,
  ) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const lines = USER_NAMES.map((name) => {
      const { user, group } = USERS[name];
      return `${[this.secrets.get(name), user, name, group].join(',')}\n`;
    });
    this.tokens = this.write('tokens.csv', lines.join(''));
    this.privateKey = this.write('service-accounts.key', privateKey);
    this.publicKey = this.write('service-accounts.pub', publicKey);
    this.serving = join(folder, 'serving');
    this.authority = join(this.serving, 'apiserver.crt');
  }

  /** The path of a user's kubeconfig. */
  kubeconfig(name: UserName): string {
    return join(this.folder, `${name}.kubeconfig`);
  }

  /** @throws Error as long as the API server has no certificate */
  writeKubeconfigs(): void {
    const server = `https://127.0.0.1:${this.port}`;
    const authority = readFileSync(this.authority).toString('base64');
    for (const name of USER_NAMES) {
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'control-plane', cluster: { server, 'certificate-authority-data': authority } }],
        users: [{ name, user: { token: this.secrets.get(name) } }],
        contexts: [{ name: 'control-plane', context: { cluster: 'control-plane', user: name } }],
        'current-context': 'control-plane',
      };
      this.write(`${name}.kubeconfig`, dump(config));
    }
  }

  private write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }
}
