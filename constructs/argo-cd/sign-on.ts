import { join } from 'node:path';
import { Construct } from 'constructs';
import { renderPayload } from '../platform/config-files';
import { fetchSecret, propertiesOf, type SecretSource } from '../platform/secret-source';

/** Argo CD as a client of an identity provider that speaks OpenID Connect. */
export interface SignOn {
  /** DNS name that people's browsers know Argo CD by: the provider leads them back there. */
  readonly host: string;
  /** Exactly as the provider says it in its tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** Claim of a token that has the groups. */
  readonly groupsClaim: string;
}

export interface SignOnSecretProps {
  /** Who holds the client's secret. */
  readonly source: SecretSource;
  /** Its entry there, with `clientSecret`. */
  readonly secretPath: string;
}

const NAME = 'argocd-sign-on';
const KEY = 'clientSecret';

/** The keys of argocd-cm that sign people in; the secret is a reference that Argo CD follows by itself. */
export function signOnSettings({ host, issuer, clientId }: SignOn): Readonly<Record<string, string>> {
  return {
    url: `https://${host}`,
    'oidc.config': renderPayload(join(__dirname, 'oidc.yaml'), {
      ISSUER: issuer,
      CLIENT_ID: clientId,
      SECRET: `$${NAME}:${KEY}`,
    }),
  };
}

/**
 * The client's secret. Apart from the settings, which are there before anything that fetches secrets is.
 *
 * Must be built in Argo CD's own namespace.
 */
export class SignOnSecret extends Construct {
  constructor(scope: Construct, id: string, { source, secretPath }: SignOnSecretProps) {
    super(scope, id);
    fetchSecret(this, 'Resource', {
      name: NAME,
      source,
      values: propertiesOf(secretPath, [KEY]),
      // Argo CD follows references to Secrets with this label only.
      labels: { 'app.kubernetes.io/part-of': 'argocd' },
    });
  }
}
