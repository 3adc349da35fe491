import { writeFileSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TEXT_FAULTS, OBJECT_FAULTS } from '../test/faults/faults';
import { type Caught, catchAll } from '../test/faults/gates';
import { runCommand } from './command';

const USAGE = `usage: npm run faults [-- --check]

Puts one mistake after another into production, and shows which check catches it and what it says. The table goes to
docs/faults.md. Fails where a mistake passes, or is caught by another check than the earliest that can see it.

  --check   write nothing; also fail where docs/faults.md differs
  --help    show this`;

const page = join(__dirname, '..', 'docs', 'faults.md');

function documentOf(caught: readonly Caught[]): string {
  const rows = caught.map(({ fault, gate, message }) => `| ${fault.name} | ${gate} | ${cell(message)} |`);
  return `# What is caught, and where

Each line is a mistake that was put into production's configuration or manifests, the earliest check that can see it, and
what that check says. \`npm run faults\` tries them all and writes this page; the last check asks a real API server.

| mistake | caught by | what it says |
| ------- | --------- | ------------ |
${rows.join('\n')}
`;
}

/** Text that does not end a cell, nor look like markup. */
function cell(text: string): string {
  const short = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return short
    .replace(/\s+/g, ' ')
    .replace(/[|*_<>[\]`\\]/g, '\\$&')
    .trim();
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  const caught = await catchAll(TEXT_FAULTS, OBJECT_FAULTS);
  const wrong = caught.filter(
    ({ fault, gate, message }) => gate !== fault.gate || !message.includes(fault.says),
  );
  for (const each of caught) {
    const { fault, gate, message } = each;
    console.log(`${wrong.includes(each) ? 'FAILED' : 'ok    '} ${fault.name}: ${gate}: ${message}`);
    if (wrong.includes(each)) console.log(`       expected ${fault.gate}, saying ${fault.says}`);
  }
  const text = documentOf(caught);
  const isStale = values.check === true && (!existsSync(page) || readFileSync(page, 'utf8') !== text);
  if (isStale) console.log('FAILED docs/faults.md is not what was seen: run `npm run faults` and commit it');
  if (values.check !== true) writeFileSync(page, text);
  const failed = wrong.length + (isStale ? 1 : 0);
  console.log(`${caught.length - wrong.length} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

runCommand(USAGE, main);
