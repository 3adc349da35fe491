import { existsSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { rules } from './all';
import type { Danger } from './rule';

/** A danger that somebody accepts, by name and for a reason. */
export interface Allowance {
  readonly rule: string;
  /** As in `StatefulSet/redis/cache-members`. */
  readonly object: string;
  /** As in `production` or `production/frankfurt`; everywhere, where it is not said. */
  readonly place?: string;
  readonly reason: string;
  /** Where it was said, for errors. */
  readonly from: string;
}

/** Where a pull request carries them, beside the change that needs them. */
export const ALLOWED_FILE = 'publishing/allowed.yaml';

/** What a safety check comes to. */
export interface Verdict {
  readonly refused: readonly Danger[];
  readonly allowed: readonly { readonly danger: Danger; readonly reason: string }[];
  /** Allowances of nothing that is there, each with where it was said. */
  readonly unused: readonly Allowance[];
}

const SHAPE = '<rule>:<Kind>/<namespace>/<name>[@<environment>[/<cluster>]]=<reason>';

/** @throws Error where an `--allow` is not of its form */
export function allowanceIn(option: string): Allowance {
  const { rule, object, place, reason } =
    /^(?<rule>[a-z-]+):(?<object>[^@=\s]+)(?:@(?<place>[^=\s]+))?=(?<reason>.*\S.*)$/.exec(option)?.groups ??
    {};
  if (rule === undefined || object === undefined || reason === undefined)
    throw new Error(`--allow ${option}: must be ${SHAPE}`);
  const from = '--allow';
  return known({ rule, object, reason: reason.trim(), from, ...(place === undefined ? {} : { place }) });
}

/**
 * The allowances that are committed; none where there is no such file.
 * @throws Error where it is not a list of rule, object, in and reason
 */
export function readAllowances(file = ALLOWED_FILE): Allowance[] {
  if (!existsSync(file)) return [];
  const entries = load(readFileSync(file, 'utf8')) ?? [];
  if (!Array.isArray(entries)) throw new Error(`${file}: must be a list`);
  return entries.map((entry: unknown, index) => {
    const from = `${file}, entry ${index + 1}`;
    const { rule, object, in: place, reason, ...others } = (entry ?? {}) as Record<string, unknown>;
    const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
    if (!isText(rule) || !isText(object) || !isText(reason) || Object.keys(others).length > 0)
      throw new Error(`${from}: must have rule, object and reason as texts, may have in, and nothing else`);
    if (place !== undefined && !isText(place))
      throw new Error(`${from}: in must be <environment>[/<cluster>]`);
    return known({ rule, object, reason: reason.trim(), from, ...(place === undefined ? {} : { place }) });
  });
}

function known(allowance: Allowance): Allowance {
  if (isRule(allowance.rule)) return allowance;
  const names = rules.map(({ name }) => name).join(', ');
  throw new Error(`${allowance.from}: there is no rule ${allowance.rule}; there are ${names}`);
}

/**
 * Sorts dangers into what is refused and what is allowed.
 * @param spent what commits of the branch were allowed before, as `allowedLine` writes it: an allowance from the file is
 * good for one commit, so that the same danger a year later needs a reason of its own
 */
export function judge(
  dangers: readonly Danger[],
  allowances: readonly Allowance[],
  spent: readonly string[] = [],
): Verdict {
  const isSpent = (allowance: Allowance): boolean =>
    allowance.from !== '--allow' && spent.some((line) => saysSame(line, allowance));
  const valid = allowances.filter((allowance) => !isSpent(allowance));
  const found = dangers.map((danger) => ({
    danger,
    by: valid.find((allowance) => covers(allowance, danger)),
  }));
  return {
    refused: found.flatMap(({ danger, by }) => (by ? [] : [danger])),
    allowed: found.flatMap(({ danger, by }) => (by ? [{ danger, reason: by.reason }] : [])),
    unused: valid.filter((allowance) => !dangers.some((danger) => covers(allowance, danger))),
  };
}

function covers({ rule, object, place }: Allowance, danger: Danger): boolean {
  return rule === danger.rule && object === danger.object && isIn(danger.place, place);
}

function isIn(place: string, wanted: string | undefined): boolean {
  return wanted === undefined || place === wanted || place.startsWith(`${wanted}/`);
}

/** How a commit of the branch says what it was allowed. */
export function allowedLine({ danger, reason }: Verdict['allowed'][number]): string {
  return `${danger.rule}:${danger.object}@${danger.place}=${reason.replaceAll(/\s+/g, ' ')}`;
}

function saysSame(line: string, { rule, object, place, reason }: Allowance): boolean {
  const [, name, where, why] = /^([^@]+)@([^=]+)=(.*)$/.exec(line) ?? [];
  return name === `${rule}:${object}` && isIn(where ?? '', place) && why === reason.replaceAll(/\s+/g, ' ');
}

/** How a danger is allowed; undefined where nobody can. */
export function allowanceFor({ rule, object, place }: Danger): string | undefined {
  return isRule(rule) ? `${rule}:${object}@${place}=<reason>` : undefined;
}

/** Dangers for people, those of a kind together, with how each is allowed. */
export function describeDangers(dangers: readonly Danger[]): string {
  const kinds = [...new Set(dangers.map(({ rule }) => rule))];
  return kinds
    .map((kind) => {
      const own = dangers.filter(({ rule }) => rule === kind);
      const { why = '', remedy = '' } = own[0] ?? {};
      return [
        `${kind}: ${why}; ${remedy}`,
        ...own.flatMap((danger) => {
          const allowance = allowanceFor(danger);
          return [
            `  ${danger.place}: ${danger.object} ${danger.what}`,
            ...(allowance === undefined ? [] : [`    --allow '${allowance}'`]),
          ];
        }),
      ].join('\n');
    })
    .join('\n');
}

function isRule(name: string): boolean {
  return rules.some((rule) => rule.name === name);
}
