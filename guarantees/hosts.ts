import { CLUSTER_DOMAIN } from '../constructs/platform/endpoint';
import type { Text } from './texts';

// Host names in whatever text a program is configured with.

const SERVICE_HOST = new RegExp(
  `(?:[a-z0-9_-]+\\.)+svc(?:\\.${CLUSTER_DOMAIN.replace('.', '\\.')})?(?![a-z0-9-])(?::(\\d+))?`,
  'g',
);

const URL_HOST = /\b[a-z][a-z0-9+.-]*:\/\/(?:[^\s/@"'<>]*@)?([a-z0-9][a-z0-9.-]*)(?::(\d+))?/gi;

/** What begins a line that programs skip. */
const COMMENT = /^[ \t]*(?:#|\/\/|--|;|\*).*$/gm;

/** Fields and settings that people follow, not programs. */
const FOR_PEOPLE =
  /(?:runbook|dashboard|external|public|documentation|homepage)[-_. ]?ur[il]|\$schema|description|summary/i;

export interface Host {
  readonly host: string;
  readonly port?: number;
}

/** The hosts in a text; `external` is one that is looked for without a scheme as well, `services` have short names. */
export function hostsIn(
  { key, value }: Text,
  external: string | undefined,
  services: ReadonlySet<string>,
): Host[] {
  const isRelevant =
    value.includes('://') || value.includes('.svc') || (external && value.includes(external));
  if (!isRelevant) return [];
  const { text, inCluster, urls } = writtenIn(value);
  const outside =
    external && text.includes(external) ? [{ host: external, ...portAfter(text, external) }] : [];
  const meant = FOR_PEOPLE.test(key)
    ? []
    : urls.filter(({ host }) => (host.includes('.') ? host !== external : services.has(host)));
  return [...inCluster, ...outside, ...meant];
}

/** A text without its comments, and the hosts in it, as they are written. */
interface Written {
  readonly text: string;
  readonly inCluster: readonly Host[];
  readonly urls: readonly Host[];
}

const written = new Map<string, Written>();

/** Most texts are in every cluster: they are read once. */
function writtenIn(value: string): Written {
  const known = written.get(value);
  if (known) return known;
  const text = value.includes('\n') ? value.replace(COMMENT, '') : value;
  const inCluster = [...text.matchAll(SERVICE_HOST)].map(({ 0: match, 1: port, index }) => {
    const host = match.replace(/:\d+$/, '');
    // Part of a label that is put together when the program runs: what is behind it is known.
    const isPart = /[\w$})%-]/.test(text[index - 1] ?? ' ');
    return { host: isPart ? host.slice(host.indexOf('.') + 1) : host, ...portIn(port) };
  });
  const urls = [...text.matchAll(URL_HOST)].flatMap(({ 1: host = '', 2: port, index }) => {
    const line = text.slice(text.lastIndexOf('\n', index) + 1, index);
    const isName = /[a-z]/i.test(host) && !host.includes('.svc');
    return isName && !FOR_PEOPLE.test(line) ? [{ host, ...portIn(port) }] : [];
  });
  const found = { text, inCluster, urls };
  written.set(value, found);
  return found;
}

function portIn(port: string | undefined): { readonly port?: number } {
  return port === undefined ? {} : { port: Number(port) };
}

function portAfter(text: string, host: string): { readonly port?: number } {
  return portIn(/^:(\d+)/.exec(text.slice(text.indexOf(host) + host.length))?.[1]);
}
