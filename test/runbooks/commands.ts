/** One command of a runbook, as a shell would split it. */
export interface Command {
  readonly text: string;
  readonly words: readonly string[];
}

/** A command of kubectl: what it is told to do, to what, and where. */
export interface Kubectl {
  /** Words that are no flags: the verb and what it is about. */
  readonly rest: readonly string[];
  /** Flags by their long names; a switch has an empty value. */
  readonly flags: ReadonlyMap<string, string>;
}

/** Flags that take a value, by what may be written for them. */
const VALUED: Readonly<Record<string, string>> = {
  '-n': 'namespace',
  '--namespace': 'namespace',
  '-l': 'selector',
  '--selector': 'selector',
  '-c': 'container',
  '--container': 'container',
  '-o': 'output',
  '--tail': 'tail',
  '--since': 'since',
  '--sort-by': 'sort-by',
  '--from': 'from',
  '--type': 'type',
  '-p': 'patch',
  '--method': 'method',
  '--plugin-name': 'plugin-name',
};

const SWITCHES: Readonly<Record<string, string>> = {
  '-A': 'all-namespaces',
  '--previous': 'previous',
  '-it': 'interactive',
  '--full': 'full',
};

/** Every command in the shell blocks of a page, and those in its prose that can be run as they stand. */
export function commandsIn(page: string): Command[] {
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const prose = page.replace(/^```.*?^```$/gms, '');
  const inline = [...prose.matchAll(/`((?:kubectl (?:-n|cnpg|argo)|npm run) [^`]+)`/g)].map(
    ([, text = '']) => text,
  );
  return [...blocks.flatMap((block) => block.split('\n')), ...inline]
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((text) => ({ text, words: wordsIn(text) }));
}

/** Words of a line. Quotes hold together what is between them; whatever else a shell can do has no place in a runbook. */
function wordsIn(line: string): string[] {
  const pieces = /\s*((?:'[^']*'|"[^"$`\\]*"|[^\s'"$`\\|&;<>()])+)/gy;
  const words: string[] = [];
  let end = 0;
  for (const match of line.matchAll(pieces)) {
    words.push((match[1] ?? '').replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
    end = match.index + match[0].length;
  }
  if (line.slice(end).trim() !== '') throw new Error(`not a plain command from "${line.slice(end)}"`);
  return words;
}

/** What kubectl would understand; what follows `--` is another program's. */
export function kubectl(words: readonly string[]): Kubectl {
  const rest: string[] = [];
  const flags = new Map<string, string>();
  const end = words.indexOf('--');
  const own = words.slice(1, end < 0 ? undefined : end).values();
  for (const word of own) {
    if (!word.startsWith('-')) {
      rest.push(word);
      continue;
    }
    const [flag = '', ...value] = word.split('=');
    const valued = VALUED[flag];
    const name = valued ?? SWITCHES[word];
    if (name === undefined) throw new Error(`kubectl's ${flag} is not known here`);
    flags.set(
      name,
      valued === undefined ? '' : value.length > 0 ? value.join('=') : String(own.next().value),
    );
  }
  return { rest, flags };
}
