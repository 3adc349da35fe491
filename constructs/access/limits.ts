import { Construct } from 'constructs';
import {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  type ValidatingAdmissionPolicySpec,
} from '../../imports/k8s';

type Rule = NonNullable<
  NonNullable<ValidatingAdmissionPolicySpec['matchConstraints']>['resourceRules']
>[number];

/** The longest that a token for emergencies lives, seconds. */
export const LONGEST_SECONDS = 3600;

/** The shortest that the API server makes tokens for (k8s.io/kubernetes/pkg/apis/authentication/validation), seconds. */
export const SHORTEST_SECONDS = 600;

/** Annotation of the request for such a token: why. */
export const REASON = 'lighthouse/reason';

/** Letters that a reason has at least: a word is none. */
export const REASON_LETTERS = 10;

const changes = (apiGroups: string, apiVersions: string, ...resources: readonly string[]): Rule => ({
  apiGroups: [apiGroups],
  apiVersions: [apiVersions],
  resources,
  operations: ['UPDATE'],
});

const isIn = (group: string): string => `request.userInfo.groups.exists(group, group == '${group}')`;

/** A policy that is about some people's requests alone, and refuses. */
function refuse(scope: Construct, id: string, name: string, spec: ValidatingAdmissionPolicySpec): void {
  const policy = new ValidatingAdmissionPolicy(scope, id, {
    metadata: { name },
    spec: { failurePolicy: 'Fail', ...spec },
  });
  new ValidatingAdmissionPolicyBinding(scope, `${id}Binding`, {
    metadata: { name },
    spec: { policyName: policy.name, validationActions: ['Deny'] },
  });
}

/**
 * What roles cannot say: which fields. Whoever may patch a CronJob could have its pods read every Secret of the namespace;
 * here on-call people may suspend it, and annotate what operators listen to, and nothing more.
 */
export function limitOnCall(
  scope: Construct,
  groups: { readonly onCall: string; readonly developer: string; readonly platform: string },
): void {
  const notPlatform = { name: 'not-platform', expression: `!${isIn(groups.platform)}` };
  const matchConditions = [{ name: 'on-call', expression: isIn(groups.onCall) }, notPlatform];
  refuse(scope, 'Changes', 'lighthouse-on-call-changes', {
    matchConditions,
    matchConstraints: {
      resourceRules: [
        changes('batch', 'v1', 'cronjobs'),
        changes('argoproj.io', 'v1alpha1', 'applications'),
        changes('keda.sh', 'v1alpha1', 'scaledobjects'),
        changes('postgresql.cnpg.io', 'v1', 'clusters'),
      ],
    },
    validations: [
      {
        expression:
          "request.resource.resource != 'cronjobs' || (object.spec.jobTemplate == oldObject.spec.jobTemplate && object.spec.schedule == oldObject.spec.schedule)",
        message: 'on-call may suspend a CronJob and annotate it; what it runs comes from Git',
      },
      {
        expression: "request.resource.resource == 'cronjobs' || object.spec == oldObject.spec",
        message: 'on-call may annotate this; what it says comes from Git',
      },
      {
        // An Application is synced, to any revision, by a field beside its spec.
        expression:
          "request.resource.resource != 'applications' || !has(object.operation) || (has(oldObject.operation) && object.operation == oldObject.operation)",
        message: 'on-call may hold an Application; it is synced through Argo CD, whose roles say by whom',
      },
    ],
  });
  refuse(scope, 'Exec', 'lighthouse-on-call-exec', {
    matchConditions: [
      {
        name: 'on-call-or-developer',
        expression: `${isIn(groups.onCall)} || ${isIn(groups.developer)}`,
      },
      notPlatform,
    ],
    matchConstraints: {
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'], operations: ['CONNECT'] },
      ],
    },
    validations: [
      {
        expression:
          "object.command.size() >= 2 && object.command[0] == '/bin/sh' && object.command[1].matches('^/config/[-a-z]+[.]sh$')",
        message:
          'on-call and developers may run the scripts of a pod, /bin/sh /config/<name>.sh, and nothing else',
      },
    ],
  });
}

/** A token for emergencies is for an hour at most, and for a reason, which the API server's audit log then has. */
export function limitBreakGlass(scope: Construct, namespace: string, account: string): void {
  refuse(scope, 'BreakGlass', 'lighthouse-break-glass', {
    matchConditions: [
      {
        name: 'this-account',
        expression: `request.namespace == '${namespace}' && request.name == '${account}'`,
      },
    ],
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [''],
          apiVersions: ['v1'],
          resources: ['serviceaccounts/token'],
          operations: ['CREATE'],
        },
      ],
    },
    variables: [
      {
        name: 'reason',
        expression: `has(object.metadata.annotations) && '${REASON}' in object.metadata.annotations ? object.metadata.annotations['${REASON}'] : ''`,
      },
    ],
    validations: [
      {
        expression: `variables.reason.size() >= ${REASON_LETTERS}`,
        message: `a reason must be given: npm run break-glass -- --reason "…" --for 30m`,
      },
      {
        expression: `object.spec.expirationSeconds <= ${LONGEST_SECONDS}`,
        message: `must end within ${LONGEST_SECONDS / 60} minutes`,
      },
    ],
    auditAnnotations: [
      { key: 'reason', valueExpression: 'string(variables.reason)' },
      { key: 'seconds', valueExpression: 'string(object.spec.expirationSeconds)' },
    ],
  });
}
