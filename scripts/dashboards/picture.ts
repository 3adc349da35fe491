import type {
  Dashboard,
  Heading,
  Panel,
  Placed,
} from '../../constructs/observability-stack/dashboards/model';

/** Pixels of one column and one row of Grafana's grid, and of what stands above it. */
const COLUMN = 54;
const LINE = 32;
const TOP = 104;
const MARGIN = 16;
const GAP = 8;

/** Pixels that a character takes, by the size of its letters: enough for the widest fonts a viewer may have. */
const NARROW = 0.56;
const MONO = 0.61;

const COLORS: Readonly<Record<string, string>> = { green: '#2f8f4e', orange: '#c77700', red: '#c0362c' };

const STYLE = `
  text { font-family: system-ui, 'DejaVu Sans', sans-serif; fill: #1f2430; }
  .mono { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; fill: #3a4a6b; font-size: 10.5px; }
  .title { font-size: 13px; font-weight: 600; }
  .about { font-size: 11px; fill: #59606e; }
  .tag { font-size: 10.5px; fill: #59606e; }
  .panel { fill: #ffffff; stroke: #cdd3dd; }
  .sketch { stroke: #e1e6ee; fill: none; }
`;

/** A dashboard's layout as a picture: where panels are, what they ask, in which unit. It shows no data. */
export function pictureOf(dashboard: Dashboard): string {
  const width = MARGIN * 2 + 24 * COLUMN;
  const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => (gridPos?.y ?? 0) + (gridPos?.h ?? 0)));
  const height = TOP + bottom * LINE + MARGIN;
  const body = dashboard.panels.map((each) => (each.type === 'row' ? heading(each) : drawn(each)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(`${dashboard.title}: layout of the dashboard`)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" fill="#f3f5f8"/>`,
    text(MARGIN, 34, dashboard.title, 'title', 'font-size="22"'),
    text(
      width - MARGIN,
      32,
      'Layout drawn from the dashboard’s JSON: no screenshot, no data',
      'tag',
      'text-anchor="end"',
    ),
    ...wrapped(dashboard.description, width - 2 * MARGIN, 11 * NARROW, 2).map((line, index) =>
      text(MARGIN, 56 + index * 15, line, 'about'),
    ),
    ...variables(dashboard),
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function variables({ templating: { list = [] } }: Dashboard): string[] {
  const chosen = list.map(({ name, label }) => `${label ?? name} ▾`).join('    ');
  return chosen === '' ? [] : [text(MARGIN, 92, chosen, 'tag')];
}

function heading({ title = '', gridPos }: Heading): string {
  const y = TOP + (gridPos?.y ?? 0) * LINE;
  return text(MARGIN, y + 23, `▾ ${title}`, 'title');
}

/** A panel: its title, drawing and unit, what it asks, what it says of itself, and a sketch of its drawing. */
function drawn(panel: Placed<Panel>): string {
  const { x, y, w, h } = panel.gridPos;
  const box = { x: MARGIN + x * COLUMN, y: TOP + y * LINE, width: w * COLUMN - GAP, height: h * LINE - GAP };
  const inner = box.width - 20;
  const queries = panel.targets.map((target) =>
    String(('expr' in target ? target.expr : target.query) ?? ''),
  );
  const chips = bounds(panel, box.width < 300);
  let line = box.y + 20;
  const put = (content: string, style: string, advance: number): string => {
    const made = text(box.x + 10, line, content, style);
    line += advance;
    return made;
  };
  const isTall = h > 4;
  const head = [
    ...wrapped(panel.title, inner, 13 * NARROW, 1).map((each) => put(each, 'title', 16)),
    put(fitted(kind(panel), inner, 10.5 * NARROW), 'tag', 15),
  ];
  const asked = queries
    .slice(0, isTall ? 3 : 1)
    .flatMap((query) =>
      wrapped(query, inner, 10.5 * MONO, isTall ? 3 : 1).map((each) => put(each, 'mono', 13)),
    );
  const room = Math.floor((box.y + box.height - line - (chips === '' ? 0 : 16)) / 14);
  const about = wrapped(panel.description, inner, 11 * NARROW, Math.max(1, Math.min(room, isTall ? 3 : 4)));
  line += 2;
  return [
    '<g>',
    `<title>${escaped([panel.title, panel.description, ...queries].join('\n'))}</title>`,
    `<rect class="panel" x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="5"/>`,
    ...head,
    ...asked,
    ...about.map((each) => put(each, 'about', 14)),
    ...(isTall ? [sketch(panel, { ...box, y: line, height: box.y + box.height - line - 24 })] : []),
    ...(chips === ''
      ? []
      : [`<text x="${box.x + 10}" y="${box.y + box.height - 8}" font-size="10.5">${chips}</text>`]),
    '</g>',
  ].join('\n');
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The drawing without data: axes, bands, columns or lines. */
function sketch(panel: Panel, { x, y, width, height }: Box): string {
  if (height < 30) return '';
  const [left, right, bottom] = [x + 10, x + width - 10, y + height];
  const rules = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => {
      const at = Math.round(y + ((index + 1) * height) / (count + 1));
      return `M${left} ${at}H${right}`;
    });
  const paths = {
    stat: [],
    timeseries: [`M${left} ${y}V${bottom}H${right}`, ...rules(3)],
    'state-timeline': rules(4),
    table: rules(4),
    logs: rules(6),
  }[panel.type];
  const columns = panel.type === 'table' ? headers(panel) : [];
  const wide = (right - left) / Math.max(columns.length, 1);
  return [
    `<path class="sketch" d="${paths.join('')}"/>`,
    ...columns.map((name, index) =>
      text(left + index * wide, y + 12, fitted(name, wide, 10.5 * NARROW), 'tag'),
    ),
  ].join('\n');
}

/** What is written above the columns of a table. */
function headers({ transformations = [] }: Panel): string[] {
  const options: unknown = transformations.find(({ id }) => id === 'organize')?.options;
  const { renameByName = {} } = (options ?? {}) as { readonly renameByName?: Record<string, string> };
  return Object.values(renameByName);
}

/** What it draws, of which store, in which unit. */
function kind({ type, datasource, fieldConfig }: Panel): string {
  const { unit } = fieldConfig.defaults;
  return [type, datasource?.uid, unit === 'none' ? undefined : unit].filter((each) => each).join(' · ');
}

/** Where the value changes its colour. */
function bounds({ fieldConfig: { defaults } }: Panel, short: boolean): string {
  const steps = defaults.thresholds?.steps ?? [];
  if (steps.length < 2) return '';
  return steps
    .map(({ value, color }, index) => {
      const from = value === null ? '' : value < 1e-6 ? ' > 0' : ` ≥ ${figure(value, defaults.unit)}`;
      return `<tspan${index === 0 ? '' : ' dx="12"'} fill="${COLORS[color] ?? '#59606e'}">●${short ? '' : ` ${color}`}${from}</tspan>`;
    })
    .join('');
}

function figure(value: number, unit: string | undefined): string {
  if (unit === 'bytes') return `${Number((value / 2 ** 30).toPrecision(4))} GiB`;
  if (unit === 'percentunit') return `${Number((value * 100).toPrecision(4))} %`;
  return String(Number(value.toPrecision(4)));
}

function text(x: number, y: number, content: string, style: string, more = ''): string {
  return `<text class="${style}" x="${x}" y="${y}"${more === '' ? '' : ` ${more}`}>${escaped(content)}</text>`;
}

function fitted(content: string, width: number, letter: number): string {
  const most = Math.floor(width / letter);
  return content.length <= most ? content : `${content.slice(0, most - 1)}…`;
}

/** Lines of whole words; the last one ends with dots where there is more, and so does a word that is too long. */
function wrapped(content: string, width: number, letter: number, lines: number): string[] {
  const most = Math.floor(width / letter);
  const made: string[] = [];
  for (const word of content.split(' ')) {
    const last = made.at(-1);
    if (last !== undefined && last.length + word.length < most) made[made.length - 1] = `${last} ${word}`;
    else made.push(word);
  }
  const more = made.length > lines ? ' …' : '';
  return made
    .slice(0, lines)
    .map((line, index) => fitted(index === lines - 1 ? `${line}${more}` : line, width, letter));
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
