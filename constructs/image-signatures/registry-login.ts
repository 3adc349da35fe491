import { Construct } from 'constructs';
import { fetchSecret, type SecretSource } from '../platform/secret-source';

export interface RegistryLoginProps {
  readonly source: SecretSource;
  /** Entry with `dockerconfigjson`: the configuration of a Docker client that has logged in. */
  readonly secretPath: string;
}

/**
 * How Kyverno logs in to the registry that it asks for signatures.
 *
 * Must be built in Kyverno's own namespace: it looks for logins nowhere else.
 */
export class RegistryLogin extends Construct {
  /** The Secret's name. */
  readonly secret: string;

  constructor(scope: Construct, id: string, { source, secretPath: entry }: RegistryLoginProps) {
    super(scope, id);
    this.secret = fetchSecret(this, 'Resource', {
      source,
      type: 'kubernetes.io/dockerconfigjson',
      values: { '.dockerconfigjson': { entry, property: 'dockerconfigjson' } },
    });
  }
}
