import { MOUNTS } from '../../constructs/vault-mtls/configuration/needs';
import { time } from '../figures';
import type { Finding } from '../guarantee';
import type { Held, Rule } from './model';

/** The longest that somebody is signed in for, seconds: who leaves a group keeps what it may until then. */
const LONGEST_SIGN_IN = 3600;

/** What Vault takes from nobody without `sudo`, and people may do who may do nothing else with it. */
const ROOTED: ReadonlySet<string> = new Set(['sys/seal', 'sys/step-down']);

/** What gives out what is secret, or more rights than one has; nobody is signed in to do that, but a root token is made for it. */
const FORBIDDEN: readonly (readonly [paths: RegExp, capabilities: RegExp, what: string])[] = [
  [new RegExp(`^${MOUNTS.kv}/(data|subkeys)/`), /read|list/, 'reads secrets'],
  [new RegExp(`^${MOUNTS.transit}/(decrypt|export|backup|datakey)/`), /./, 'decrypts'],
  [new RegExp(`^${MOUNTS.pki}/(sign|issue)`), /./, 'signs certificates'],
  [new RegExp(`^${MOUNTS.database}/(static-)?creds/`), /./, 'lends logins'],
  [/^sys\/(storage\/raft\/snapshot|raw)/, /./, 'takes all of it away'],
  [
    /^(auth\/(?!token\/revoke-self$)|identity\/|sys\/(auth|policies|policy|mounts|audit|generate-root|rekey)\b)/,
    /create|update|patch|delete/,
    'changes who may what',
  ],
];

/** Whether a rule asks for `sudo` where people may. */
export function isRooted({ path, capabilities }: Rule): boolean {
  return ROOTED.has(path) && capabilities.join() === 'sudo,update';
}

/** Who is signed in has nothing but the policy of a group, gets neither secrets nor rights, and not for long. */
export function peopleFindings(held: Held): Finding[] {
  const { path } = held.object;
  return [
    ...held.groups.flatMap(({ name, type, policies }) => [
      ...finding(
        path,
        type !== 'external',
        `group ${name} of Vault is ${type}`,
        'have the provider say who is in it: type external',
      ),
      ...finding(
        path,
        policies.length !== 1 || !held.policies.has(policies[0] ?? ''),
        `group ${name} of Vault has the policies ${policies.join(', ') || 'none'}`,
        'give it the one of its own name',
      ),
      ...policies.flatMap((policy) =>
        (held.policies.get(policy) ?? []).flatMap((rule) => tooMuch(path, name, rule)),
      ),
    ]),
    ...held.entries.flatMap((entry) =>
      entry.path.startsWith('auth/oidc/role/') ? roleFindings(path, entry.path, entry.body) : [],
    ),
  ];
}

function tooMuch(path: string, group: string, { path: where, capabilities }: Rule): Finding[] {
  return FORBIDDEN.filter(
    ([paths, rights]) => paths.test(where) && capabilities.some((capability) => rights.test(capability)),
  ).map(([, , what]) => ({
    path,
    cause: `group ${group} of Vault may ${capabilities.join(', ')} ${where}, which ${what}`,
    remedy: 'take it away: that is done with a root token, which three people make together',
  }));
}

function roleFindings(path: string, role: string, body: Readonly<Record<string, unknown>>): Finding[] {
  const claims = Object.values((body['bound_claims'] ?? {}) as Readonly<Record<string, readonly string[]>>);
  const longest = Number(body['token_max_ttl'] ?? 0);
  const back = (body['allowed_redirect_uris'] ?? []) as readonly string[];
  const astray = back.filter((uri) => !/^(https:\/\/|http:\/\/localhost:)[^*]+$/.test(uri));
  const own = [
    ...((body['token_policies'] ?? []) as readonly string[]),
    ...(body['token_no_default_policy'] === true ? [] : ['default']),
  ];
  const about = (isWrong: boolean, cause: string, remedy: string): Finding[] =>
    finding(path, isWrong, `${role} of Vault ${cause}`, remedy);
  return [
    ...about(
      claims.length === 0 || claims.some((values) => values.length === 0 || values.includes('*')),
      'lets in whoever the provider knows',
      'write bound_claims with the groups that have a policy',
    ),
    ...about(
      ((body['bound_audiences'] ?? []) as readonly string[]).length === 0,
      'takes tokens that are for anybody',
      'write bound_audiences with the client of Vault',
    ),
    ...about(
      astray.length > 0,
      `leads people to ${astray.join(', ')}`,
      'write https, or a port of localhost',
    ),
    ...about(
      own.length > 0,
      `gives everybody ${own.join(', ')}`,
      'give policies to groups, and write token_no_default_policy',
    ),
    ...about(
      !(longest > 0 && longest <= LONGEST_SIGN_IN),
      `signs people in for ${longest > 0 ? time(longest) : 'as long as they like'}`,
      `write a token_max_ttl of at most ${LONGEST_SIGN_IN}`,
    ),
  ];
}

function finding(path: string, isWrong: boolean, cause: string, remedy: string): Finding[] {
  return isWrong ? [{ path, cause, remedy }] : [];
}
