import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { ControlPlane } from '../../acceptance/control-plane';
import { findPrograms } from '../../acceptance/programs';
import { run } from '../../acceptance/kubectl';
import type { Manifest } from '../../constructs/platform/manifest';

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
}

/** A real API server, which makes tokens of service accounts and vouches for them, to whom its own RBAC lets it. */
export class Tokens {
  private readonly made = new Set<string>();

  private constructor(
    private readonly plane: ControlPlane,
    private readonly kubectl: string,
    readonly server: string,
    /** Whom to trust when talking to it. */
    readonly authority: string,
  ) {}

  /** @param accounts service accounts, and what they are bound to, as they are printed */
  static async start(accounts: readonly Manifest[]): Promise<Tokens> {
    const plane = await ControlPlane.start();
    try {
      const { kubectl } = await findPrograms(['kubectl'], console.error);
      const { clusters } = load(readFileSync(plane.kubeconfig, 'utf8')) as Kubeconfig;
      const [{ cluster }] = clusters;
      const authority = Buffer.from(cluster['certificate-authority-data'], 'base64').toString();
      const tokens = new Tokens(plane, kubectl, cluster.server, authority);
      const namespaces = [...new Set(accounts.flatMap(({ metadata }) => metadata.namespace ?? []))];
      for (const name of namespaces) await tokens.do(['create', 'namespace', name]);
      await tokens.do(
        ['apply', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: accounts }),
      );
      for (const { kind, metadata } of accounts)
        if (kind === 'ServiceAccount') tokens.made.add(`${metadata.namespace ?? ''}/${metadata.name}`);
      return tokens;
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /** A token of a service account, which is made where it is not there. @param audience whom it is for; empty: the API server */
  async of(namespace: string, name: string, audience = 'vault'): Promise<string> {
    if (!this.made.has(`${namespace}/${name}`)) {
      // Either may be there: the API server makes some itself.
      await this.do(['create', 'namespace', namespace]).catch(() => undefined);
      await this.do(['-n', namespace, 'create', 'serviceaccount', name]).catch(() => undefined);
      this.made.add(`${namespace}/${name}`);
    }
    const whom = audience === '' ? [] : ['--audience', audience];
    return (await this.do(['-n', namespace, 'create', 'token', name, ...whom, '--duration', '10m'])).trim();
  }

  stop(): Promise<void> {
    return this.plane.stop();
  }

  private async do(args: readonly string[], input = ''): Promise<string> {
    const { status, stdout, stderr } = await run(
      this.kubectl,
      ['--kubeconfig', this.plane.kubeconfig, ...args],
      input,
    );
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}
