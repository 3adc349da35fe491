import { join } from 'node:path';
import { Lazy } from 'cdk8s';
import { Construct, type IConstruct } from 'constructs';
import { load } from 'js-yaml';
import { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../imports/k8s';
import { type Holes, renderPayload } from '../platform/config-files';
import { inNamespacesOf } from '../platform/own-namespaces';
import { type Exception, type Tables, tablesOf } from './tables';

export interface AdmissionPoliciesProps {
  /** All of the platform, once it is built: what is in it is what is let through. */
  readonly platform: IConstruct;
  /** What some pods may that all others may not. */
  readonly exceptions: readonly Exception[];
  /**
   * User that may look with images the platform does not have, in an emergency.
   * @default - nobody
   */
  readonly breakGlass?: string;
}

/** The policies, each of a file of that name. */
export const POLICIES = ['images', 'privileges', 'identity', 'resources'] as const;

export type PolicyName = (typeof POLICIES)[number];

/** What a policy and its binding are called in the cluster. */
export const policyName = (name: PolicyName): string => `lighthouse-${name}`;

/**
 * What synth guarantees of pods, asked again by the API server of whatever is made in the platform's namespaces, by whomever:
 * nothing runs there that is not the platform's. What is let through is read from the platform itself, so that no change of it
 * needs a change here.
 */
export class AdmissionPolicies extends Construct {
  private read?: Tables;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AdmissionPoliciesProps,
  ) {
    super(scope, id);
    for (const name of POLICIES) {
      const policy = new ValidatingAdmissionPolicy(this, name, {
        metadata: { name: policyName(name) },
        spec: Lazy.any({
          produce: () => load(renderPayload(join(__dirname, `${name}.yaml`), this.holes(name))),
        }),
      });
      new ValidatingAdmissionPolicyBinding(this, `${name}-binding`, {
        metadata: { name: policyName(name) },
        spec: {
          policyName: policy.name,
          validationActions: ['Deny', 'Audit'],
          matchResources: { namespaceSelector: inNamespacesOf(this.props.platform) },
        },
      });
    }
  }

  /** Tables as JSON, which the language of the policies (CEL) reads as it is. */
  private holes(name: PolicyName): Holes {
    const { repositories, exceptions, paths, capabilities, tokens } = this.tables;
    const holes: Readonly<Record<PolicyName, Holes>> = {
      images: { REPOSITORIES: JSON.stringify(repositories), BREAK_GLASS: this.props.breakGlass ?? '' },
      privileges: {
        EXCEPTIONS: JSON.stringify(exceptions),
        PATHS: JSON.stringify(paths),
        CAPABILITIES: JSON.stringify(capabilities),
      },
      identity: { TOKENS: JSON.stringify(tokens) },
      resources: {},
    };
    return holes[name];
  }

  /** Read once, when the first policy is printed: all pods are gone through for it. */
  private get tables(): Tables {
    const { platform, exceptions } = this.props;
    this.read ??= tablesOf(platform, exceptions);
    return this.read;
  }
}
