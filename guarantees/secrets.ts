import type { PlatformObject } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import { Text, textsOf } from './texts';

/**
 * No object carries a secret value, so that the `dist` branch can be read by everybody: secrets are made in the cluster
 * or fetched from a secret store, and objects name them.
 */
export const secrets: Guarantee = {
  name: 'secrets',
  check: ({ objects }) => {
    let searched = 0;
    const findings = objects.flatMap((object) => {
      if (object.manifest.kind === 'CustomResourceDefinition') return [];
      const texts = textsOf(object.manifest);
      searched += texts.length;
      return [...filled(object), ...texts.flatMap((text) => inText(object, text))];
    });
    return { findings, facts: [{ subject: 'values searched for secrets', figure: String(searched) }] };
  },
};

function filled({ path, manifest }: PlatformObject): Finding[] {
  const keys = Object.keys({ ...(manifest['data'] ?? {}), ...(manifest['stringData'] ?? {}) });
  if (manifest.kind !== 'Secret' || keys.length === 0) return [];
  return [
    {
      path,
      cause: `Secret ${manifest.metadata.name} carries values: ${keys.join(', ')}`,
      remedy: 'have it made in the cluster: Credentials, a Certificate or an ExternalSecret',
    },
  ];
}

function inText({ path, manifest }: PlatformObject, text: Text): Finding[] {
  const what = literalIn(manifest.kind, text) ?? (isNamed(text) ? undefined : valueIn(text.value));
  if (what === undefined) return [];
  return [
    {
      path,
      // Never the value itself: findings are logged.
      cause: `${manifest.kind} ${manifest.metadata.name}: ${text.field} has ${what}`,
      remedy:
        'name a Secret instead: valueFrom.secretKeyRef, a mounted file, or a reference of the custom resource',
    },
  ];
}

/** Secrets that show what they are, each with a piece of text that must be there, which is faster to look for. */
const SHAPES: readonly (readonly [what: string, piece: string, pattern: RegExp])[] = [
  ['a private key', 'PRIVATE KEY', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ['an AWS access key', 'IA', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', 'gh', /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})/],
  ['a GitLab token', 'glpat-', /\bglpat-[\w-]{20,}/],
  ['a Slack token', 'xox', /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/],
  ['a Slack webhook', 'hooks.slack.com', /hooks\.slack\.com\/services\/\w+\/\w+\/\w+/],
  ['an API key', 'sk-', /\bsk-[\w-]{20,}/],
  ['a Google API key', 'AIza', /\bAIza[\w-]{35}\b/],
  ['a Vault token', 'hv', /\bhv[sbr]\.[\w-]{20,}/],
  ['an npm token', 'npm_', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['a JSON web token', 'eyJ', /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/],
  ['a password in a URL', '@', /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@'"]*:(?![$%@<{])[^\s/:@'"]+@/i],
];

const verdicts = new Map<string, string | undefined>();

/** What a value is by itself, wherever it is; most are in many objects and in every cluster, and looked at once. */
function valueIn(value: string): string | undefined {
  if (value.length < 12) return undefined;
  if (!verdicts.has(value)) verdicts.set(value, shapeIn(value) ?? assignmentIn(value) ?? noiseIn(value));
  return verdicts.get(value);
}

/** Fields that say that they are a hash, or that name the key of a Secret. */
function isNamed({ field, value, beside }: Text): boolean {
  return (
    beside['key'] === value ||
    (HASH.test(field) && noiseIn(value) !== undefined && shapeIn(value) === undefined)
  );
}

function shapeIn(value: string): string | undefined {
  return SHAPES.find(([, piece, pattern]) => value.includes(piece) && pattern.test(value))?.[0];
}

/** What a secret is called, as one of the words of a name; libpq and redis-cli write theirs in one: PGPASSWORD, REDISCLI_AUTH. */
const SECRET_WORD =
  /(^|[_.-])([a-z0-9]*pass(word|wd|phrase)|pass|pwd|rediscli_auth|secret|token|credentials?|(api|private|secret|access|encryption|signing)[_.-]?keys?|apikeys?|auth[_.-]?keys?)($|[_.-])/i;

/** What makes a name that of something about a secret: where it lies, how long it lasts, who uses it. */
const ABOUT =
  /(_|[.-])(files?|path|dir|names?|enabled?|users?|url|uri|host|ttl|seconds|lifetime|type|method|header|length|ref|id)$/i;

/** Fields of custom resources, which are secrets where they are plain strings. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'password',
  'passwd',
  'token',
  'apiKey',
  'privateKey',
  'clientSecret',
  'secretAccessKey',
  'bearerToken',
]);

/** Values that stand for others, or that nobody would take for a secret. */
const HARMLESS = /^(|true|false|yes|no|on|off|none|null|\d+[smhd]?|[$@<{%:(/~].*|\$\(.*\)|\[.*)$/i;

function literalIn(kind: string, { field, key, value, beside }: Text): string | undefined {
  if (HARMLESS.test(value)) return undefined;
  const { name } = beside;
  const isVariable = key === 'value' && typeof name === 'string' && /\.env\[\d+\]\.value$/.test(field);
  if (isVariable && SECRET_WORD.test(name) && !ABOUT.test(name)) return `the value of ${name} in plain text`;
  const isField = SECRET_FIELDS.has(key) && kind !== 'ConfigMap' && !field.startsWith('metadata.');
  return isField ? `${key} in plain text` : undefined;
}

/** `password=…`, `--requirepass …`, `"token": "…"`: a name of a secret, and something that looks like its value. */
const ASSIGNMENT =
  /(?:^|[\s"'_-])(pass(?:word|wd|phrase)|requirepass|masterauth|auth-pass|secret|token|api[_-]?key|access[_-]?key(?:[_-]id)?|secret[_-]?key)["']?\s*(?:[:=]\s*|\s)["']?([^\s"',;]{6,})/gi;

function assignmentIn(value: string): string | undefined {
  for (const [, name = '', assigned = ''] of value.matchAll(ASSIGNMENT)) {
    if (isOpaque(assigned) && !HARMLESS.test(assigned)) return `${name} in plain text`;
  }
  return undefined;
}

/** Letters and digits in one word, as people and machines make passwords, and nothing that a program would expand. */
function isOpaque(word: string): boolean {
  return (
    /^[\w+/=!#*.^~-]+$/.test(word) && /[A-Za-z]/.test(word) && /\d/.test(word) && !/^[a-z-]+\d$/.test(word)
  );
}

/** Words long enough to be keys: letters and digits, as base64 and hexadecimal write random bytes. */
const WORD = /(?<![\w+/:@-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/-])/g;

const HASH = /(?:sha256|sha512|md5|checksum|hash|digest|commit|revision)/i;

/** Words that look like random bytes; not names with a hash in them, nor hashes that say so. */
function noiseIn(value: string): string | undefined {
  for (const { 0: word, index } of value.matchAll(WORD)) {
    if (isNoise(word) && !HASH.test(value.slice(Math.max(0, index - 16), index)))
      return 'what looks like a random key';
  }
  return undefined;
}

/**
 * Random text changes between lower case, upper case and digits at every other character, words and names do so at their
 * joints only: dashes and slashes are joints too. Hexadecimal has two kinds only, so it changes less; it is told by having nothing but its 16 characters.
 */
function isNoise(word: string): boolean {
  return word.split(/[-_]/).some(isNoisy);
}

function isNoisy(part: string): boolean {
  const text = part.replace(/[/+=]/g, '');
  const changes = [...text].filter((c, i) => i > 0 && kindOf(c) !== kindOf(text[i - 1] ?? '')).length;
  const share = changes / (text.length - 1);
  if (/^[0-9a-f]+$/.test(part)) return part.length >= 32 && share > 0.25;
  const isBase64 = /[a-z]/.test(text) && /[A-Z]/.test(text);
  return text.length >= 20 && /\d/.test(text) && share > 0.38 && (isBase64 || text === part);
}

function kindOf(character: string): number {
  if (/[0-9]/.test(character)) return 0;
  return /[A-Z]/.test(character) ? 1 : 2;
}
