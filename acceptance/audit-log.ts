import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BREAK_GLASS } from '../constructs/access';
import { REASON, SHORTEST_SECONDS } from '../constructs/access/limits';
import { policyName } from '../constructs/admission-policies';
import type { Groups } from './access';
import type { Cluster } from './cluster';
import type { Finding, Seen } from './report';

/** A line of the log, as far as it is read here. */
interface Line {
  readonly level: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly impersonatedUser?: { readonly groups?: readonly string[] };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
}

/** Seconds that a line may take to be in the file. */
const WRITTEN_SECONDS = 5;

const PROBE = 'audit-probe';

/** Something that must be written down, and how its line is known. */
interface Expected {
  readonly name: string;
  readonly level: string;
  readonly is: (line: Line) => boolean;
}

/**
 * Does what must be written down, with values that must not be, and reads the API server's log: who, on what and why are in it; no
 * Secret's value and no token is.
 */
export async function inspectAuditLog(cluster: Cluster, file: string, groups: Groups): Promise<Seen> {
  const value = randomBytes(16).toString('hex');
  const reason = `a try of the audit log ${randomBytes(4).toString('hex')}`;
  await touchSecret(cluster, value);
  const token = await breakGlass(cluster, reason, groups);
  await changeRole(cluster);
  await goInside(cluster, groups);

  const end = performance.now() + WRITTEN_SECONDS * 1000;
  for (;;) {
    const text = readFileSync(file, 'utf8');
    const findings = findingsIn(text, { value, token }, expected(reason, groups));
    if (findings.length === 0 || performance.now() > end) {
      const lines = text.split('\n').length - 1;
      return {
        seen: `${lines} lines: secrets, tokens, roles, exec and refusals are in it, their values are not`,
        findings,
      };
    }
    await sleep(200);
  }
}

function expected(reason: string, groups: Groups): Expected[] {
  const of = (resource: string, name: string, subresource?: string) => (line: Line) =>
    line.objectRef?.resource === resource &&
    line.objectRef.name === name &&
    line.objectRef.subresource === subresource;
  const isSecret = of('secrets', PROBE);
  const isToken = of('serviceaccounts', BREAK_GLASS, 'token');
  const isRole = of('roles', PROBE);
  const isExec = of('pods', PROBE, 'exec');
  return [
    ...['patch', 'get', 'delete'].map((verb) => ({
      name: `${verb} of a Secret`,
      level: 'Metadata',
      is: (line: Line) => isSecret(line) && line.verb === verb,
    })),
    {
      name: 'who broke the glass, and why',
      level: 'Metadata',
      is: (line) =>
        isToken(line) &&
        line.annotations?.[`lighthouse-${BREAK_GLASS}/reason`] === reason &&
        line.impersonatedUser?.groups?.includes(groups.onCall) === true,
    },
    {
      name: 'a new role, with its rules',
      level: 'RequestResponse',
      is: (line) => isRole(line) && JSON.stringify(line.requestObject ?? '').includes('resourcequotas'),
    },
    {
      name: 'who wanted to run what in a pod',
      level: 'Request',
      is: (line) =>
        isExec(line) &&
        line.requestURI.includes('command=id') &&
        line.impersonatedUser?.groups?.includes(groups.developer) === true,
    },
    {
      name: 'what a policy refused',
      level: 'Metadata',
      is: ({ annotations }) =>
        annotations?.['validation.policy.admission.k8s.io/validation_failure']?.includes(
          policyName('images'),
        ) === true,
    },
  ];
}

function findingsIn(
  text: string,
  secret: Readonly<Record<string, string>>,
  wanted: readonly Expected[],
): Finding[] {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  const missing = wanted
    .filter(({ level, is }) => !lines.some((line) => line.level === level && is(line)))
    .map(({ name, level }) => `${name}: no line at level ${level}`);
  const told = Object.entries(secret)
    .filter(([, value]) => text.includes(value) || text.includes(Buffer.from(value).toString('base64')))
    .map(([name]) => `the ${name} is in it`);
  return [...missing, ...told].map((message) => ({ name: 'audit log', message }));
}

/** Makes a Secret, reads it, removes it. */
async function touchSecret(cluster: Cluster, value: string): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: PROBE, namespace: 'default' },
    stringData: { password: value },
  };
  await cluster.apply(secret);
  await cluster.get(secret);
  await cluster.remove(secret);
}

/** The token that is asked for, which nobody keeps. */
async function breakGlass(cluster: Cluster, reason: string, groups: Groups): Promise<string> {
  const path = `/api/v1/namespaces/access/serviceaccounts/${BREAK_GLASS}/token`;
  const { stdout, stderr } = await cluster.kubectl(
    ['create', '--raw', path, '-f', '-', '--as', 'somebody', '--as-group', groups.onCall],
    JSON.stringify({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { annotations: { [REASON]: reason } },
      spec: { expirationSeconds: SHORTEST_SECONDS },
    }),
  );
  if (stdout === '') throw new Error(`no token for ${BREAK_GLASS}: ${stderr.trim()}`);
  return (JSON.parse(stdout) as { status: { token: string } }).status.token;
}

async function changeRole(cluster: Cluster): Promise<void> {
  await cluster.apply(
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: PROBE, namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['resourcequotas'], verbs: ['get'] }],
    },
    true,
  );
}

/** Refused, for a developer may not: that somebody tried is written down all the same. */
async function goInside(cluster: Cluster, groups: Groups): Promise<void> {
  const path = `/api/v1/namespaces/redis/pods/${PROBE}/exec?command=id&stdout=true`;
  await cluster.kubectl(
    ['create', '--raw', path, '-f', '-', '--as', 'somebody', '--as-group', groups.developer],
    '',
  );
}
