import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changesBetween } from '../../../publishing/changes/changes';
import { dangersIn } from '../../../publishing/safety/all';
import type { Direction } from '../../../publishing/safety/rule';
import type { Files } from '../../../synth/memory';
import { synthesize } from '../../../synth/synthesize';
import { temporary } from '../support';

jest.setTimeout(120_000);

const root = join(__dirname, '..', '..', '..');

/** What the shipped staging environment is printed as, after edits of its files. */
function printed(edits: Readonly<Record<string, readonly [from: RegExp, to: string]>> = {}): Files {
  const config = join(temporary(), 'config');
  mkdirSync(config);
  for (const name of ['images', 'staging'])
    cpSync(join(root, 'config', `${name}.yaml`), join(config, `${name}.yaml`));
  for (const [name, [from, to]] of Object.entries(edits)) {
    const file = join(config, `${name}.yaml`);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(from);
    writeFileSync(file, text.replace(from, to));
  }
  return synthesize(config);
}

const shipped = printed();

function told(before: Files, after: Files, direction: Direction = 'forward'): string[] {
  return dangersIn(changesBetween(before, after), direction).map(
    ({ rule, object, what }) => `${rule}: ${object} ${what}`,
  );
}

/** Without the files whose paths match. */
function without(files: Files, path: RegExp): Files {
  const kept = [...files].filter(([file]) => !path.test(file));
  expect(kept.length).toBeLessThan(files.size);
  return new Map(kept);
}

test('what is shipped endangers nothing of itself', () => expect(told(shipped, shipped)).toEqual([]));

test('a shorter retention of events deletes events, forward and back', () => {
  const shorter = printed({ staging: [/eventRetention: \d+d/, 'eventRetention: 3d'] });

  expect(told(shipped, shorter)).toEqual([
    expect.stringMatching(
      /^shorter-retention: ConfigMap\/postgres\/events-schema-config keeps 3 days instead of \d+$/,
    ),
  ]);
  expect(told(shorter, shipped, 'back')).toEqual([]);
});

test('older programs are told from newer ones by the images that are shipped', () => {
  const older = printed({ images: [/(postgresql: .*tag: )18\.4/, '$117.4'] });

  expect(told(shipped, older)).toContainEqual(
    expect.stringMatching(/^data-schema-moved: Cluster\/postgres\/events goes from postgresql 18/),
  );
});

test('the event store’s migrations are seen in what is shipped', () => {
  const name =
    [...shipped.keys()].find((file) => file.includes('ConfigMap.postgres.events-schema-config')) ?? '';
  const text = shipped.get(name) ?? '';
  const next = new Map(shipped).set(
    name,
    text.replace('  apply.sql: |', '  003-more.sql: SELECT 1;\n  apply.sql: |'),
  );

  expect(told(next, shipped, 'back')).toContain(
    'data-schema-moved: ConfigMap/postgres/events-schema-config knows 003-more.sql no more, which data were changed by',
  );
});

test('a policy of the shipped platform that goes alone cuts its connections', () => {
  const found = told(shipped, without(shipped, /NetworkPolicy\.redis\.cache-members\.yaml/));

  expect(found).toContain(
    'lost-connection: NetworkPolicy/redis/cache-members no longer lets Deployment/redis/cache in to StatefulSet/redis/cache-members, TCP 6379',
  );
});

test('budgets and backups of the shipped platform are seen', () => {
  expect(told(shipped, without(shipped, /PodDisruptionBudget\.vector-database\.weaviate-members/))).toEqual([
    'lost-budget: PodDisruptionBudget/vector-database/weaviate-members guards StatefulSet/vector-database/weaviate-members (3 pods) no more',
  ]);
  expect(told(shipped, without(shipped, /CronJob\.vector-database\.weaviate-backup/))).toEqual([
    'moved-backup: CronJob/vector-database/weaviate-backup is taken away, while StatefulSet/vector-database/weaviate-members stays',
  ]);
});
