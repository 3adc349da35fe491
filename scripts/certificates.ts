import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markup } from '../audit/markdown';
import { buildPlatform } from '../charts/platform';
import { loadConfig } from '../config/load';
import type { Images } from '../config/images';
import type { Cluster, Environment } from '../config/schema';
import { type Calendar, calendarOf, type Step, type Use } from '../guarantees/certificates/calendar';
import { holdersOf } from '../guarantees/certificates/holders';
import { type Certificate, certificatesIn } from '../guarantees/certificates/model';
import { verifyReal } from '../guarantees/certificates/real';
import { time } from '../guarantees/figures';
import type { Platform } from '../synth/platform';
import { runCommand } from './command';

const USAGE = `usage: npm run certificates [-- --check]

Plays five years of every cluster's certificates, a change of the root included, has openssl verify real certificates of its
critical moments, and writes docs/security/certificates.md between its marks. Fails where anything is used that has ended or is
not trusted.

  --check   write nothing; also fail where the page differs
  --help    show this`;

const PAGE = join(process.env['LIGHTHOUSE_ROOT'] ?? process.cwd(), 'docs', 'security', 'certificates.md');
const [BEGIN, END] = ['<!-- written by npm run certificates -->', '<!-- end -->'];

const DAY = 86400;
const YEARS = 5 * 365 * DAY;
/** 2026-12-01T00:00:00Z, so that the page says the same every day. */
const START = 1796083200;

/** The change of the root: when each step is published. Leaves of the old one are out of use 90 days after it last issued. */
const ROTATION = [
  { at: 0, generations: [1], issuing: 1 },
  { at: 400 * DAY, generations: [1, 2], issuing: 1 },
  { at: 402 * DAY, generations: [1, 2], issuing: 2 },
  { at: 492 * DAY, generations: [2], issuing: 2 },
] as const;

interface Played {
  readonly name: string;
  readonly platform: Platform;
  readonly calendar: Calendar;
  /** Uses that openssl was asked about, and those of which it said something else than the calendar. */
  readonly asked: number;
  readonly wrong: number;
}

function play(environment: Environment, cluster: Cluster, images: Images): Played {
  const steps: Step[] = ROTATION.map(({ at, generations, issuing }) => ({
    at,
    platform: buildPlatform(
      { ...environment, certificateAuthority: { generations: [...generations], issuing } },
      cluster,
      images,
    ),
  }));
  const [first] = steps;
  if (!first) throw new Error('a calendar has at least one step');
  const calendar = calendarOf(steps, YEARS);
  const verified = verifyReal(critical(calendar.uses), START);
  return {
    name: `${environment.environment}/${cluster.name}`,
    platform: first.platform,
    calendar,
    asked: verified.length,
    wrong: verified.filter((each) => !each.first || !each.last || each.after).length,
  };
}

/** All uses of the leaf that comes closest to its end, and of every other leaf those around the change of the root. */
function critical(uses: readonly Use[]): Use[] {
  const [closest] = uses.toSorted((a, b) => a.margin - b.margin);
  const [, , switched] = ROTATION;
  return uses.filter(
    ({ issue, until }) =>
      issue.certificate.name === closest?.issue.certificate.name ||
      (issue.from <= switched.at && until >= switched.at),
  );
}

function sectionOf(played: readonly Played[]): string {
  const rows = played.map(({ name, calendar: { uses, authorities, findings }, asked, wrong }) => {
    const [closest] = uses.toSorted((a, b) => a.margin - b.margin);
    return [
      name,
      new Set(uses.map(({ issue }) => issue.certificate.name)).size,
      uses.length,
      authorities,
      findings.length,
      closest ? `${time(closest.margin)} (${closest.issue.certificate.name})` : '',
      `${asked}, of which ${wrong} otherwise`,
    ];
  });
  return [
    'What follows is written by `npm run certificates`.',
    '',
    '## Five years',
    '',
    'From 2026-12-01, each cluster of each environment, with a change of the root: ' +
      ROTATION.slice(1)
        .map(
          ({ at, generations, issuing }) =>
            `day ${at / DAY} trusts ${generations.join(' and ')}, issues by ${issuing}`,
        )
        .join('; ') +
      '. A use is a leaf from its issue until its last holder has the next one. The margin is how long its whole chain is still good then. ' +
      'Real certificates of the critical moments were verified by openssl: good at the first and the last second of their use, refused a second after the end of their chain.',
    '',
    markup(
      [
        'cluster',
        'leaves',
        'uses',
        'authorities issued',
        'findings',
        'closest margin',
        'verified by openssl',
      ],
      rows,
    ),
    '',
    '## Every certificate',
    '',
    ...played.flatMap(({ name, platform }) => [`### ${name}`, '', certificatesTable(platform), '']),
  ].join('\n');
}

function certificatesTable(platform: Platform): string {
  const rows = certificatesIn(platform).map((certificate) => [
    certificate.name.replace('Certificate ', ''),
    `${time(certificate.duration)}, renewed ${time(certificate.renewBefore)} before`,
    certificate.issuer,
    ...takers(certificate, platform),
  ]);
  return markup(
    ['certificate', 'lives', 'signed by', 'used by', 'how a renewed one is taken, within, known from'],
    rows,
  );
}

function takers(certificate: Certificate, platform: Platform): string[] {
  const holders = holdersOf(certificate, platform);
  const ways = holders.flatMap(({ program }) =>
    program ? `${program.leaf.how}, ${time(program.leaf.within)}; ${program.source}` : 'NOTHING SAYS HOW',
  );
  const users = holders.map(({ name }) => name.replace(/^(\w+) [^/]+\//, '$1 '));
  return certificate.issuedFor.isCA === true
    ? ['cert-manager', '']
    : [users.join('<br>') || 'nobody', [...new Set(ways)].join('<br>')];
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  const { images, environments } = loadConfig('config');
  const played = environments.flatMap((environment) =>
    environment.clusters.map((cluster) => play(environment, cluster, images)),
  );
  let failed = 0;
  for (const { name, calendar, asked, wrong } of played) {
    const isGood = calendar.findings.length === 0 && wrong === 0 && asked > 0;
    if (!isGood) failed += 1;
    console.log(`${isGood ? 'ok    ' : 'FAILED'} ${name}: ${calendar.uses.length} uses, ${asked} verified`);
    for (const { cause } of calendar.findings) console.log(`       ${cause}`);
  }
  const old = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : `# Certificates\n\n${BEGIN}\n${END}\n`;
  const text = `${old.slice(0, old.indexOf(BEGIN))}${BEGIN}\n\n${sectionOf(played)}\n${old.slice(old.indexOf(END))}`;
  const isStale = values.check === true && old !== text;
  if (isStale)
    console.log('FAILED docs/security/certificates.md is stale: run `npm run certificates` and commit it');
  if (values.check !== true) writeFileSync(PAGE, text);
  failed += isStale ? 1 : 0;
  console.log(`${played.length - (failed - (isStale ? 1 : 0))} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

runCommand(USAGE, main);
