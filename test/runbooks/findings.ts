import { isNamespaced } from '../../constructs/platform/scope';
import packageJson from '../../package.json';
import { CLUSTERS } from './clusters';
import { type Command, commandsIn, kubectl } from './commands';
import { type Item, type There, thereIn, TRANSIENT } from './there';

const EVERYWHERE = CLUSTERS.map(thereIn);

/** What a person may call a kind, besides its name and the plural of that. */
const SHORT: Readonly<Record<string, string>> = { pvc: 'PersistentVolumeClaim', svc: 'Service' };

/**
 * Verbs of kubectl: how many words after them come before what they are about, its kind where none is said, and how many names
 * follow, where other words come after them.
 */
const VERBS: Readonly<
  Record<
    string,
    { readonly skip: number; readonly kind?: string; readonly names?: number; readonly isPlugin?: boolean }
  >
> = {
  get: { skip: 0 },
  describe: { skip: 0 },
  delete: { skip: 0 },
  top: { skip: 0 },
  logs: { skip: 0, kind: 'Pod' },
  exec: { skip: 0, kind: 'Pod' },
  'port-forward': { skip: 0, kind: 'Pod' },
  rollout: { skip: 1 },
  annotate: { skip: 0, names: 1 },
  patch: { skip: 0, names: 1 },
  // What is made is new; what it is made from must be there.
  create: { skip: 2, names: 1 },
  cnpg: { skip: 1, kind: 'Cluster', names: 1, isPlugin: true },
  argo: { skip: 2, kind: 'Rollout', names: 1, isPlugin: true },
};

/** Commands of a page that can be run as they stand in no cluster of any environment, with what is wrong in the first. */
export function wrongOn(page: string): string[] {
  return commandsIn(page).flatMap((command) => {
    const wrong = EVERYWHERE.map((there) => wrongIn(there, command));
    return wrong.includes(undefined) ? [] : [`${command.text}: ${wrong[0]}`];
  });
}

/** What is wrong with a command in a cluster; undefined where everything it names is there. */
function wrongIn(there: There, { words }: Command): string | undefined {
  const [program = '', verb = '', script = ''] = words;
  if (program === 'npm' && verb === 'run')
    return script in packageJson.scripts ? undefined : `there is no script ${script}`;
  if (program !== 'kubectl') return `nothing is known of ${program}`;
  return wrongForKubectl(there, words);
}

function wrongForKubectl(there: There, words: readonly string[]): string | undefined {
  const { rest, flags } = kubectl(words);
  const [verb = '', ...after] = rest;
  const known = VERBS[verb];
  if (!known) return `kubectl ${verb} is not known here`;
  if (known.isPlugin && words[1] !== verb)
    return `kubectl takes no flags before the name of a plugin, ${verb}`;
  const [first = '', ...others] = [...after.slice(known.skip), ...(flags.get('from')?.split('/') ?? [])];

  const namespace = flags.get('namespace');
  if (namespace !== undefined && !there.namespaces.has(namespace))
    return `there is no namespace ${namespace}`;
  const within = there.items.filter((item) => namespace === undefined || item.namespace === namespace);

  const [kinds = '', ...names] = first.includes('/')
    ? first.split('/')
    : known.kind === undefined
      ? [first, ...others]
      : [known.kind, first];
  const wanted = names.slice(0, known.names);
  for (const word of kinds.split(',')) {
    const kind = kindOf(there, word);
    if (kind === undefined) return `there is no kind ${word}`;
    const ofKind = within.filter((item) => item.kind === kind);
    const [wrong] = (wanted.length === 0 ? [''] : wanted).flatMap(
      (name) => wrongAmong(ofKind, kind, name, flags) ?? [],
    );
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** @param name empty where all of the kind are meant */
function wrongAmong(
  items: readonly Item[],
  kind: string,
  name: string,
  flags: ReadonlyMap<string, string>,
): string | undefined {
  const selector = flags.get('selector');
  const container = flags.get('container');
  if (name !== '' && isNamespaced({ kind }) && !flags.has('namespace')) return 'it names no namespace';
  const named = items.filter((item) => name === '' || item.name === name);
  if (named.length === 0 && !(TRANSIENT.has(kind) && name === ''))
    return `there is no ${kind} ${name}`.trim();
  const selected = named.filter(({ labels }) => selector === undefined || isSelected(labels, selector));
  if (selected.length === 0 && selector !== undefined) return `no ${kind} has ${selector}`;
  if (container !== undefined && !selected.some(({ containers }) => containers.includes(container)))
    return `${kind} ${name} has no container ${container}`;
  return undefined;
}

function isSelected(labels: Readonly<Record<string, string>>, selector: string): boolean {
  return selector.split(',').every((each) => {
    const [key = '', value] = each.split('=');
    return labels[key] === value;
  });
}

function kindOf({ items }: There, word: string): string | undefined {
  const lower = word.toLowerCase();
  const kinds = new Set([...items.map(({ kind }) => kind), ...TRANSIENT]);
  return SHORT[lower] ?? [...kinds].find((kind) => namesOf(kind.toLowerCase()).includes(lower));
}

function namesOf(kind: string): string[] {
  return [kind, `${kind}s`, `${kind}es`, kind.replace(/y$/, 'ies')];
}
