import { table } from '../audit/markdown';
import type { Ground, Result } from './attack';
import { API_SERVER, NODE } from './cluster';
import { EDGE } from './edge';
import { POSTGRES } from './postgres';
import { REDIS } from './redis';

/** Results of attacks on one ground. */
export interface Tried {
  readonly where: Ground['where'];
  readonly results: readonly Result[];
}

/** The page's sections, in this order. */
const SECTIONS = [API_SERVER.where, NODE, EDGE.where, REDIS.where, POSTGRES.where];

const COLUMNS = ['attack', 'stopped by', 'result', 'control'];

/** No refusal says more that matters. */
const LONGEST = 220;

/**
 * The page with results of attacks, which differs only where they do.
 * @param before the page as it was: sections that were not tried now stay
 */
export function pageOf(before: string, tried: readonly Tried[]): string {
  const known = new Map(
    before
      .split(/^## /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n')).trim()]),
  );
  for (const { where, results } of tried) known.set(where, table(COLUMNS, results.map(row)));
  const sections = SECTIONS.flatMap((where) => {
    const text = known.get(where);
    return text === undefined ? [] : [`## ${where}\n\n${text}\n`];
  });
  return `${HEAD}\n${sections.join('\n')}`;
}

function row({ attack: { name, means, permitted }, problem, said }: Result): readonly string[] {
  return [name, means, problem ?? `refused: ${shortened(lasting(said))}`, `${permitted}: passes`];
}

/** What is another at every run is left out: ports, folders. */
function lasting(text: string): string {
  return text.replace(/\bport \d+/g, 'port …').replace(/(127\.0\.0\.1|198\.18\.\d+\.\d+):\d+/g, '$1:…');
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

const HEAD = `# Attacks

What was tried on real programs by \`npm run attacks\`, which wrote this. Each attack has its control, the same thing where it is permitted,
tried right afterwards. CI tries all of it again and fails where this page says something else, but for what needs a node that runs pods:
those lines are of the last run on one (\`-- --kubeconfig FILE --running --write\`).

Connections that nobody declared are tried by \`npm run e2e\`, pair by pair, on a node whose network enforces policies; plain text and wrong
passwords at every service, by its checks too.
`;
