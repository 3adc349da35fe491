/**
 * The guard of Lighthouse's event log beside a writer that rotates as the server does: compress to a name that comes again,
 * remove, begin anew. Without the guard, the writer destroys its first file; with it, every event is found again, in order.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';

const run = promisify(execFile);
const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? process.cwd();
const SCRIPT = join(ROOT, 'constructs', 'bridge-with-fuse', 'keep-events.sh');

/** Seconds between two rotations: the guard looks every second. */
const BETWEEN = 2;

export async function check(report: Report): Promise<void> {
  await rotations(report);
  await leftovers(report);
}

async function rotations(report: Report): Promise<void> {
  const written = ['1', '2', '3', '4', '5', '6'].join();
  const alone = await rotate(undefined);
  // And the live log is read before what was rotated.
  report('without the guard, a second rotation destroys the first file', alone === '5,6,3,4', alone);
  const guarded = await rotate('watch');
  report(
    'with it every event is there, in the order of the names that the server reads',
    guarded === written,
    guarded,
  );
}

/** Events that are found again after two rotations, two events in each file. */
async function rotate(guard: 'watch' | undefined): Promise<string> {
  const place = new Place();
  const started: ChildProcess[] = [];
  try {
    if (guard) started.push(spawn('sh', [SCRIPT, guard], { env: place.env, stdio: 'ignore' }));
    for (const events of [
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
    ]) {
      writeFileSync(place.log, events.join());
      if (events[0] !== '5') {
        await run('python3', ['-c', ROTATE, place.log]);
        await sleep(BETWEEN * 1000);
      }
    }
    return place.events();
  } finally {
    for (const child of started) {
      child.kill();
      await once(child, 'exit');
    }
    place.remove();
  }
}

/** As the server does it, down to the order: it opens what is there for writing, and removes the log at the end. */
const ROTATE = `
import gzip, os, sys
log = sys.argv[1]
with open(log, 'rb') as source, gzip.open(log + '.gz', 'wb') as target:
    target.writelines(source)
os.unlink(log)
`;
import type { Report } from './report';

async function leftovers(report: Report): Promise<void> {
  const whole = gzipSync('1,2');
  const cut = whole.subarray(0, whole.length - 6);
  const place = new Place();
  const check = async (): Promise<string> => (await run('sh', [SCRIPT, 'check'], { env: place.env })).stdout;
  try {
    writeFileSync(`${place.log}.gz`, cut);
    writeFileSync(place.log, '1,2');
    const interrupted = await check();
    report(
      'a rotation that was cut off is set aside, for its log is still there',
      /^\[WARNING\] .* keep-events - .*its log is still there/.test(interrupted) && place.events() === '1,2',
      interrupted,
    );
    rmSync(place.log);
    writeFileSync(`${place.log}.gz`, cut);
    const damaged = await check();
    report(
      'a damaged file without a log is set aside for a person, and said to be an error',
      /^\[ERROR\] .*events may be lost/.test(damaged) && !existsSync(`${place.log}.gz`),
      damaged,
    );
    report('nothing that was set aside is lost', readdirSync(place.aside).length === 2);
    writeFileSync(`${place.log}.gz`, whole);
    const kept = await check();
    report('a whole one is kept under a name of its own', place.events() === '1,2', kept);
    report('and stays as it is', (await check()) === '' && place.events() === '1,2');
  } finally {
    place.remove();
  }
}

/** A server's data folder. */
class Place {
  private readonly root = mkdtempSync(join(tmpdir(), 'event-log-'));
  private readonly folder = join(this.root, 'events');
  readonly aside = join(this.root, 'set-aside');
  readonly log = join(this.folder, 'events_000001.log');
  readonly env = {
    ...process.env,
    EVENTS: this.folder,
    ASIDE: this.aside,
    LOOKED: join(this.root, 'looked'),
  };

  constructor() {
    mkdirSync(this.folder);
  }

  /** What is found again, in the order in which the server reads its files. */
  events(): string {
    return readdirSync(this.folder)
      .filter((name) => /^events_.*\.log/.test(name))
      .sort()
      .map((name) => {
        const content = readFileSync(join(this.folder, name));
        return String(name.endsWith('.gz') ? gunzipSync(content) : content);
      })
      .join();
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
