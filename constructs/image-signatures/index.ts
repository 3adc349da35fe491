import { join } from 'node:path';
import { Construct, type IConstruct } from 'constructs';
import { load } from 'js-yaml';
import { ImageValidatingPolicy, type ImageValidatingPolicySpec } from '../../imports/policies.kyverno.io';
import { renderPayload } from '../platform/config-files';
import { inNamespacesOf } from '../platform/own-namespaces';
import type { RegistryLogin } from './registry-login';

export interface ImageSignaturesProps {
  /** All of the platform, once it is built: what is made in its namespaces is asked about. */
  readonly platform: IConstruct;
  /** Registry with the repository whose images must be signed, without a tag. */
  readonly repository: string;
  /** Public keys as PEM; a signature by one of them suffices, so that one can follow another. */
  readonly publicKeys: readonly string[];
  /**
   * How Kyverno logs in to their registry.
   * @default - it asks as anybody
   */
  readonly login?: RegistryLogin;
  /**
   * User that may look with images that nobody signed, in an emergency.
   * @default - nobody
   */
  readonly breakGlass?: string;
}

/** What the policy for a repository is called in the cluster. */
export const signaturesOf = (repository: string): string =>
  `lighthouse-signatures-${repository.slice(repository.lastIndexOf('/') + 1)}`;

/**
 * Images that run only where they are signed, asked by Kyverno of whatever is made in the platform's namespaces, by whomever.
 * Nothing is asked elsewhere, of Kyverno's own pods least of all.
 *
 * One for each repository: Kyverno 1.19 never answers where one policy is about a pod with an image twice and another one after it.
 */
export class ImageSignatures extends Construct {
  constructor(scope: Construct, id: string, props: ImageSignaturesProps) {
    super(scope, id);
    const { platform, repository, publicKeys, login, breakGlass = '' } = props;
    const attestors = publicKeys.map((key, index) => ({ name: `key${index + 1}`, key }));
    const policy = load(
      renderPayload(join(__dirname, 'policy.yaml'), {
        REPOSITORY: repository,
        ATTESTORS: attestors.map(({ name }) => `attestors.${name}`).join(', '),
        BREAK_GLASS: breakGlass,
      }),
    ) as ImageValidatingPolicySpec;
    new ImageValidatingPolicy(this, 'Resource', {
      metadata: { name: signaturesOf(repository) },
      spec: {
        ...policy,
        ...(login ? { credentials: { secrets: [login.secret] } } : {}),
        matchConstraints: {
          ...policy.matchConstraints,
          namespaceSelector: inNamespacesOf(platform),
        },
        matchImageReferences: [{ glob: `${repository}:*` }, { glob: `${repository}@*` }],
        // A key of one's own is in no log of others, and needs none: whoever has it is trusted for as long as it is listed.
        attestors: attestors.map(({ name, key }) => ({
          name,
          cosign: { key: { data: key }, ctlog: { insecureIgnoreTlog: true, insecureIgnoreSCT: true } },
        })),
      },
    });
  }
}
