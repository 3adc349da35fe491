import { Construct } from 'constructs';
import type { Volume } from '../../imports/k8s';
import { Credential, Credentials, CredentialsMaker } from '../credentials';
import { NamespaceScope, namespaceOf } from '../platform/names';
import type { DeclaredBucket } from './buckets';

/** The one user that may do everything. */
export const ADMINISTRATOR = 'administrator';

/**
 * Keys for a server that runs here: the administrator's, which stay in its namespace, and a pair for every bucket, with
 * a copy for its consumer. Access keys are the users' names.
 */
export class GeneratedKeys {
  readonly administrator: Credential;
  private readonly users = new Map<string, Credential>();

  constructor(scope: Construct, maker: CredentialsMaker, buckets: readonly DeclaredBucket[]) {
    this.administrator = new Credentials(scope, 'Users', { maker, users: [ADMINISTRATOR] }).of(ADMINISTRATOR);
    for (const consumer of new Set(buckets.map((bucket) => bucket.consumer))) {
      const users = buckets.filter((bucket) => bucket.consumer === consumer).map(({ name }) => name);
      const credentials = new Credentials(scope, `For-${consumer.name}`, {
        maker,
        users,
        copies: copiesFor(scope, consumer),
      });
      for (const user of users) this.users.set(user, credentials.of(user));
    }
  }

  /** The keys of a bucket; the Secret has the same name in both namespaces. */
  of({ name }: DeclaredBucket): Credential {
    const credential = this.users.get(name);
    if (!credential) throw new Error(`no keys were made for bucket ${name}`);
    return credential;
  }

  /** Every user's secret key as a file of the user's name. */
  volume(name: string): Volume {
    const all = [this.administrator, ...this.users.values()];
    return { name, projected: { sources: all.map((each) => each.file(each.user)), defaultMode: 0o440 } };
  }
}

function copiesFor(scope: Construct, consumer: NamespaceScope): NamespaceScope[] {
  return consumer.name === namespaceOf(scope) ? [] : [consumer];
}
