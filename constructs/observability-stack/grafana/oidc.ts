import { join } from 'node:path';
import { Construct } from 'constructs';
import type { SecretProjection } from '../../../imports/k8s';
import { renderPayload } from '../../platform/config-files';
import type { AddressRange } from '../../platform/peer';
import { fetchSecret, propertiesOf, type SecretSource } from '../../platform/secret-source';

/** An identity provider that speaks OpenID Connect. */
export interface OidcProps {
  /** DNS name of the provider. */
  readonly host: string;
  /** Its addresses and port, to be let out to. */
  readonly range: AddressRange;
  readonly clientId: string;
  /** Where it is asked to sign somebody on, for tokens, and who that is; each begins with a slash. */
  readonly paths: Readonly<Record<'authorize' | 'token' | 'userinfo', string>>;
  /** Claim of a token that has the groups. */
  readonly groupsClaim: string;
  /** Groups of the provider whose members administrate, and explore freely; everybody else may look. */
  readonly groups: Readonly<Record<'administrators' | 'editors', string>>;
  /** Who holds the client's secret. */
  readonly source: SecretSource;
  /** Its entry there, with `clientSecret`. */
  readonly secretPath: string;
}

/** Grafana as a client of an identity provider: its settings, and its secret by reference. */
export class OidcClient extends Construct {
  /** Sections of grafana.ini. */
  readonly settings: string;
  private readonly secretName: string;

  constructor(scope: Construct, id: string, props: OidcProps) {
    super(scope, id);
    const { host, range, clientId, paths, groupsClaim, groups, source, secretPath } = props;
    this.secretName = fetchSecret(this, 'Resource', {
      source,
      values: propertiesOf(secretPath, ['clientSecret']),
    });
    this.settings = renderPayload(join(__dirname, 'oidc.ini'), {
      HOST: host,
      CLIENT_ID: clientId,
      ISSUER: `https://${host}:${range.port}`,
      AUTHORIZE: paths.authorize,
      TOKEN: paths.token,
      USERINFO: paths.userinfo,
      GROUPS: groupsClaim,
      ADMINISTRATORS: groups.administrators,
      EDITORS: groups.editors,
    });
  }

  /** The client's secret as a file of a projected volume. */
  secret(path: string): { readonly secret: SecretProjection } {
    return { secret: { name: this.secretName, items: [{ key: 'clientSecret', path }] } };
  }
}
