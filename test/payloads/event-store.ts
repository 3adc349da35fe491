import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Outcome, Postgres } from './postgres-stand';
import type { Report } from './report';

const run = promisify(execFile);
const payload = join(__dirname, '../../constructs/postgres-cluster/event-store');
const fixtures = join(__dirname, 'event-store');
const DAY = 86_400_000;

/** Runs the event store's SQL on a throw-away PostgreSQL, the oldest version it has to work on being 15. */
export async function check(report: Report): Promise<void> {
  const server = await Server.start();
  try {
    await schemaIsAppliedOnce(server, report);
    await rolesAreLeast(server, report);
    await eventsArePlaced(server, report);
    await server.sql(readFileSync(join(fixtures, 'load.sql'), 'utf8'));
    await server.sql('VACUUM ANALYZE events');
    await queriesUseIndexes(server, report);
    await replayMissesNothing(server, report);
    await objectivesAreMet(server, report);
    await retentionIsKept(server, report);
  } finally {
    await server.stop();
  }
}

async function schemaIsAppliedOnce(server: Server, report: Report): Promise<void> {
  const noRoles = await server.apply();
  report(
    'roles that are missing are named',
    /role lighthouse_writer does not exist/.test(noRoles.error),
    noRoles.error,
  );
  const left = await server.sql(`SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace`);
  report('a failed application leaves nothing', left === '0', `${left} objects`);

  await server.sql('CREATE ROLE lighthouse_writer LOGIN; CREATE ROLE lighthouse_reader LOGIN', 'postgres');
  const first = await server.apply();
  report('applies as the owner', first.ok, first.error);
  const before = await server.dump();
  const second = await server.apply();
  report('a second application changes nothing', second.ok && (await server.dump()) === before, second.error);

  await server.sql('CREATE DATABASE race OWNER lighthouse_owner', 'postgres');
  const both = await Promise.all([server.apply({ database: 'race' }), server.apply({ database: 'race' })]);
  const raced = both.every((one) => one.ok) && (await server.schema('race')) === (await server.schema());
  report('two appliers at once make one schema', raced, both.map((one) => one.error).join());

  const edited = await server.apply({ edit: '001-events.sql' });
  report(
    'an edited migration is refused',
    /was changed after it was applied/.test(edited.error),
    edited.error,
  );
  const loose = await server.apply({ flags: [] });
  report('refused outside a transaction', /SAVEPOINT can only be used/.test(loose.error), loose.error);
  await server.sql(`INSERT INTO store_migrations VALUES (99, 'x', 'x')`);
  const older = await server.apply();
  report('an older release is refused', /schema 99/.test(older.error), older.error);
  await server.sql('DELETE FROM store_migrations WHERE version = 99');
  const version = await server.sql(
    `SELECT value FROM store_metadata WHERE key = 'schema_version'`,
    'lighthouse_reader',
  );
  report('store_metadata tells the schema version', version === '2', version);
}

async function rolesAreLeast(server: Server, report: Report): Promise<void> {
  const event = `VALUES ('1_0_role', 'custom', now(), '{}')`;
  const columns = '(event_id, event_type, "timestamp", event_data)';
  const number = await server.sql(
    `INSERT INTO events ${columns} ${event} RETURNING sequence_id`,
    'lighthouse_writer',
  );
  report('the writer appends and learns the number', /^\d+$/.test(number), number);

  const today = `events_${new Date().toISOString().slice(0, 10).replaceAll('-', '_')}`;
  const refused: [role: string, sql: string, because?: RegExp][] = [
    [
      'lighthouse_writer',
      `INSERT INTO events ${columns} SELECT event_id, 'custom', "timestamp", '{}' FROM events`,
      /duplicate key/,
    ],
    ['lighthouse_writer', `UPDATE events SET event_type = 'x'`],
    ['lighthouse_writer', 'DELETE FROM events'],
    ['lighthouse_writer', 'TRUNCATE events'],
    ['lighthouse_writer', `INSERT INTO ${today} ${columns} ${event}`],
    ['lighthouse_writer', `DELETE FROM ${today}`],
    [
      'lighthouse_writer',
      `INSERT INTO events (sequence_id, event_id) OVERRIDING SYSTEM VALUE VALUES (1, 'x')`,
    ],
    ['lighthouse_writer', `INSERT INTO events (transaction_id, event_id) VALUES ('1', 'x')`],
    ['lighthouse_writer', `UPDATE store_metadata SET value = '9'`],
    ['lighthouse_writer', 'SELECT * FROM maintain_event_partitions()'],
    ['lighthouse_writer', 'CREATE TABLE mine ()'],
    ['lighthouse_reader', `INSERT INTO events ${columns} ${event}`],
    ['lighthouse_owner', `UPDATE events SET event_type = 'x'`, /append-only/],
    ['lighthouse_owner', `DELETE FROM ${today}`, /append-only/],
    ['lighthouse_owner', 'TRUNCATE events', /append-only/],
  ];
  for (const [role, sql, because = /permission denied/] of refused) {
    const { error } = await server.try(sql, role);
    report(`${role} is refused: ${sql}`, because.test(error), error);
  }
  await server.sql('GRANT UPDATE ON events TO lighthouse_writer');
  await server.apply();
  const granted = await server.sql(`SELECT has_table_privilege('lighthouse_writer', 'events', 'UPDATE')`);
  report('a right given by hand does not last', granted === 'f', granted);
}

async function eventsArePlaced(server: Server, report: Report): Promise<void> {
  const place = (id: string, time: string): Promise<string> =>
    server.sql(
      `INSERT INTO events (event_id, event_type, "timestamp", event_data) VALUES ('${id}', 'custom', ${time}, '{}')
       RETURNING tableoid::regclass`,
      'lighthouse_writer',
    );
  const places = [
    await place('past', `'2001-01-01'`),
    await place('ahead', `now() + interval '9 days'`),
    await place('future', `'2999-01-01'`),
  ];
  report(
    'no time is refused',
    places.every((name) => name === 'events_default'),
    places.join(),
  );

  // A SQLite timestamp is microseconds since 1970; to_timestamp(double) would round it.
  const exact = await server.sql(
    `SELECT extract(epoch FROM 'epoch'::timestamptz + 1758412345678901 * interval '1 microsecond')`,
  );
  report('microseconds are kept', exact === '1758412345.678901', exact);

  const done = await server.apply({ holes: { PARTITIONS_AHEAD_DAYS: '10' } });
  const now =
    await server.sql(`SELECT string_agg(event_id || ' ' || tableoid::regclass, ', ' ORDER BY sequence_id)
    FROM events WHERE event_id IN ('past', 'ahead', 'future')`);
  const moved = /^ahead events_\d{4}_\d\d_\d\d, future events_default$/.test(now);
  report('what was early is moved, what is too old expires, what is far ahead waits', moved, now);
  report(
    'events that wait are warned of',
    /WARNING: +1 events are more than 10 days ahead/.test(done.error),
    done.error,
  );

  const days = Number(
    await server.sql(`SELECT count(*) - 1 FROM pg_inherits WHERE inhparent = 'events'::regclass`),
  );
  report('one partition for each day kept, today, and each day ahead', days === 30 + 1 + 10, `${days} days`);

  await server.sql(
    `INSERT INTO events (event_id, event_type, "timestamp", event_data)
     SELECT 'large', 'custom', now(), jsonb_build_object('m', string_agg(md5(n::text), ' ')) FROM generate_series(1, 31000) AS n`,
    'lighthouse_writer',
  );
  report('an event of 1 MB is taken', true);
}

interface Case {
  readonly args: readonly string[];
  /** The indexes, one of which every partition with events is read by. */
  readonly index: readonly string[];
  /** How many partitions may be read. */
  readonly partitions: number;
}

async function queriesUseIndexes(server: Server, report: Report): Promise<void> {
  const day = new Date(Date.now() - 3 * DAY).toISOString().slice(0, 10);
  const hour = [`'${day}T10:00Z'`, `'${day}T11:00Z'`];
  const all = Number(
    await server.sql(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass`),
  );
  const middle = await server.sql(
    `SELECT transaction_id || ' ' || sequence_id FROM events WHERE event_id LIKE '150000000000_%'`,
  );
  const [transaction = '', sequence = ''] = middle.split(' ');
  const cases: Record<string, Case> = {
    by_event_id: { args: [`'150000000000_0_lighthouse-01'`], index: ['events_pkey'], partitions: all },
    newest: { args: ['1000'], index: ['events_time'], partitions: all - 10 },
    by_time: { args: [...hour, '1000'], index: ['events_time'], partitions: 1 },
    by_type: { args: [`'custom'`, ...hour, '1000'], index: ['events_type'], partitions: 1 },
    by_agent: { args: [`'agent-7'`, ...hour, '1000'], index: ['events_agent'], partitions: 1 },
    by_aggregate: { args: [`'aggregate-7'`], index: ['events_aggregate'], partitions: all },
    search: {
      args: [`'kingfisher'`, `'${day}'`, `'${day}T23:59Z'`, '100'],
      index: ['events_search'],
      partitions: 1,
    },
    // The hour may have begun yesterday.
    count_per_type_last_hour: { args: [], index: ['events_time', 'events_type'], partitions: 2 },
    // A day this small (50,000 events) may as well be read through the narrow replay index.
    replay_cursor: { args: [sequence], index: ['events_sequence', 'events_replay'], partitions: all },
    replay: { args: [`'${transaction}'`, sequence, '1000'], index: ['events_replay'], partitions: all },
  };
  const named = queries();
  const uncovered = Object.keys(named).filter((name) => name !== 'append' && !(name in cases));
  report('every query has its plan checked', uncovered.length === 0, uncovered.join());

  for (const [name, { args, index, partitions }] of Object.entries(cases)) {
    // A pooler's prepared statements come to generic plans, which prune when they start.
    for (const mode of ['custom', 'generic']) {
      const scans = await server.scans(named[name] ?? '', args, mode);
      const read = new Set(scans.map((scan) => scan.table));
      // Below some hundred events a partition is read faster without an index.
      const wrong = scans.filter((scan) => scan.rows > 500 && !index.some((one) => scan.index.includes(one)));
      const detail = `${read.size} of ${all} partitions; ${wrong.map((scan) => `${scan.table}: ${scan.index}`).join()}`;
      report(
        `${name}, ${mode} plan: ${index.join(' or ')}`,
        scans.length > 0 && wrong.length === 0 && read.size <= partitions,
        detail,
      );
    }
  }
  const found = await server.query(named['search'] ?? '', cases['search']?.args ?? []);
  report('full-text search finds the rare word', found.split('\n').length === 5, found.slice(0, 200));
}

async function replayMissesNothing(server: Server, report: Report): Promise<void> {
  const cursor = await server.sql(
    `SELECT transaction_id || ' ' || sequence_id FROM events
    ORDER BY events.transaction_id DESC, events.sequence_id DESC LIMIT 1`,
  );
  const [transaction = '', sequence = ''] = cursor.split(' ');
  const append = (id: string): string =>
    `INSERT INTO events (event_id, event_type, "timestamp", event_data) VALUES ('${id}', 'custom', now(), '{}')`;
  const replay = async (): Promise<string> =>
    (await server.query(queries()['replay'] ?? '', [`'${transaction}'`, sequence, '10']))
      .split('\n')
      .map((row) => row.split('|')[2] ?? '')
      .join();

  const slow = server.sql(`BEGIN; ${append('slow')}; SELECT pg_sleep(2); COMMIT`, 'lighthouse_writer');
  await server.until(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`, 'postgres');
  await server.sql(append('quick'), 'lighthouse_writer');
  const during = await replay();
  await slow;
  const after = await replay();
  report(
    'replay waits for a slower append with a lower number',
    during === '' && after === 'slow,quick',
    `${during} / ${after}`,
  );
}

async function objectivesAreMet(server: Server, report: Report): Promise<void> {
  const named = queries();
  const append = bind(named['append'] ?? '', [
    `format('%s_%s_bench', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, :client_id)`,
    `'custom'`,
    'clock_timestamp()',
    `'agent-' || :n`,
    `'aggregate-' || :n`,
    `'project'`,
    '1',
    `jsonb_build_object('path', '/src/file' || :n, 'message', 'ordinary work of an agent on word' || :n)`,
    `'{"session_id": "s-1"}'`,
  ]);
  const appended = await server.bench(`\\set n random(1, 5000)\n${append}`, 'lighthouse_writer', 4);
  // The objective is 10 ms; the disk of a build machine is not production's, so only ten times that fails.
  report('append, p99 (objective 10 ms)', appended.p99 < 100, appended.text);

  const start = `now() - interval '6 days' + :minute * interval '1 minute'`;
  const page = bind(named['by_time'] ?? '', [start, 'now()', '1000']);
  const paged = await server.bench(`\\set minute random(1, 8000)\n${page}`, 'lighthouse_reader', 1);
  report('1,000 events by time, p99 under 100 ms', paged.p99 < 100, paged.text);
  const newest = await server.bench(bind(named['newest'] ?? '', ['1000']), 'lighthouse_reader', 1);
  report('newest 1,000 events, p99 under 100 ms', newest.p99 < 100, newest.text);
}

async function retentionIsKept(server: Server, report: Report): Promise<void> {
  const reading = server.sql(
    'BEGIN; SELECT 1 FROM events LIMIT 1; SELECT pg_sleep(5); COMMIT',
    'lighthouse_reader',
  );
  await server.until(`SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`, 'postgres');
  const blocked = await server.apply({ holes: { RETENTION_DAYS: '3' } });
  report(
    'maintenance gives up loudly behind a long query',
    /lock timeout/.test(blocked.error),
    blocked.error,
  );
  await reading;

  await server.sql(`UPDATE store_metadata SET value = '3' WHERE key = 'retention_days'`);
  const maintain = (): Promise<string> => server.sql('SELECT action FROM maintain_event_partitions()');
  const both = await Promise.all([maintain(), maintain()]);
  const dropped = both.map((actions) => actions.split('\n').filter((action) => action === 'dropped').length);
  report(
    'two maintainers at once drop each day once',
    dropped.sort().join() === '0,27',
    `dropped ${dropped.join(' and ')}`,
  );
  const oldest = await server.sql(`SELECT min("timestamp") AT TIME ZONE 'UTC' FROM events`);
  const bound = new Date(Date.now() - 3 * DAY).toISOString().slice(0, 10);
  report(
    'events are kept for the whole of the days asked for',
    oldest.startsWith(`${bound} 00:00:0`),
    oldest,
  );
  const zero = await server.apply({ holes: { RETENTION_DAYS: '0' } });
  report('a retention of 0 days is refused', /at least 1 day/.test(zero.error), zero.error);
}

/** The statements of queries.sql by name. */
function queries(): Record<string, string> {
  const parts = readFileSync(join(payload, 'queries.sql'), 'utf8')
    .split(/^-- name: /m)
    .slice(1);
  return Object.fromEntries(
    parts.map((part) => [part.split('\n')[0], part.slice(part.indexOf('\n')).replace(/^--.*\n/gm, '')]),
  );
}

const bind = (sql: string, args: readonly string[]): string =>
  sql.replace(/\$(\d)/g, (_, number: string) => `(${args[Number(number) - 1]})`);

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

interface Scan {
  readonly table: string;
  /** The parent's index it reads by, or the kind of scan. */
  readonly index: string;
  /** Events in the partition. */
  readonly rows: number;
}

/** A PostgreSQL of its own, with the event store's owner and database. */
class Server {
  private constructor(private readonly postgres: Postgres) {}

  static async start(): Promise<Server> {
    const postgres = await Postgres.start(['listen_addresses=', 'shared_buffers=256MB', 'max_wal_size=4GB']);
    const server = new Server(postgres);
    try {
      await server.sql('CREATE ROLE lighthouse_owner LOGIN', 'postgres');
      await server.sql('CREATE DATABASE lighthouse OWNER lighthouse_owner', 'postgres');
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.postgres.stop();
  }

  async try(sql: string, role = 'lighthouse_owner'): Promise<Outcome> {
    const database = role === 'postgres' ? 'postgres' : 'lighthouse';
    return this.psql(role, database, [
      '-At',
      '-v',
      'ON_ERROR_STOP=1',
      ...sql.split(/;\n/).flatMap((one) => ['-c', one]),
    ]);
  }

  async sql(sql: string, role?: string): Promise<string> {
    const { ok, output, error } = await this.try(sql, role);
    if (!ok) throw new Error(`${error}\n${sql}`);
    return output.trim();
  }

  query(sql: string, args: readonly string[]): Promise<string> {
    return this.sql(bind(sql, args), 'lighthouse_reader');
  }

  /** Repeats a statement until it gives 1. */
  async until(sql: string, role?: string): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if ((await this.try(sql, role)).output.trim() === '1') return;
      await sleep(50);
    }
    throw new Error(`waited 10 s in vain for: ${sql}`);
  }

  /** Runs apply.sql as the Job does. */
  async apply(
    how: { database?: string; flags?: string[]; holes?: Record<string, string>; edit?: string } = {},
  ): Promise<Outcome> {
    const { database = 'lighthouse', flags = ['-1'], holes = {}, edit } = how;
    const folder = mkdtempSync(join(this.postgres.folder, 'apply-'));
    cpSync(payload, folder, { recursive: true });
    const settings = join(folder, 'settings.sql');
    const filled = Object.entries({ RETENTION_DAYS: '30', PARTITIONS_AHEAD_DAYS: '7', ...holes }).reduce(
      (text, [hole, value]) => text.replaceAll(`@${hole}@`, value),
      readFileSync(settings, 'utf8'),
    );
    writeFileSync(settings, filled);
    if (edit) writeFileSync(join(folder, edit), '\n', { flag: 'a' });
    return this.psql(
      'lighthouse_owner',
      database,
      ['-v', 'ON_ERROR_STOP=1', ...flags, '-f', 'apply.sql'],
      folder,
    );
  }

  /** pg_dump marks every dump with a random key of its own. */
  async schema(database = 'lighthouse'): Promise<string> {
    const { stdout } = await run(join(this.postgres.bin, 'pg_dump'), [
      '-h',
      this.postgres.folder,
      '-U',
      'postgres',
      '--schema-only',
      database,
    ]);
    return stdout.replace(/^\\(un)?restrict .*$/gm, '');
  }

  async dump(): Promise<string> {
    const rows = ['store_migrations', 'store_metadata'].map((table) =>
      this.sql(`SELECT * FROM ${table} ORDER BY 1`),
    );
    return [await this.schema(), ...(await Promise.all(rows))].join('\n');
  }

  async scans(sql: string, args: readonly string[], mode: string): Promise<Scan[]> {
    const explain = args.length > 0 ? `EXECUTE q(${args.join()})` : 'EXECUTE q';
    const plan = await this.sql(
      `SET plan_cache_mode = force_${mode}_plan;\nPREPARE q AS ${sql.trim()}\nEXPLAIN (FORMAT JSON) ${explain}`,
    );
    const details = await this.sql(`SELECT json_build_object(
      'rows', (SELECT json_object_agg(relname, reltuples) FROM pg_class WHERE relkind = 'r'),
      'parents', (SELECT json_object_agg(inhrelid::regclass, inhparent::regclass) FROM pg_inherits))`);
    const { rows, parents } = JSON.parse(details) as {
      rows: Record<string, number>;
      parents: Record<string, string>;
    };
    const read = (node: PlanNode): Scan[] => {
      const inner = (node.Plans ?? []).flatMap(read);
      const table = node['Relation Name'];
      if (table === undefined) {
        const index = node['Index Name'];
        return index === undefined
          ? inner
          : [...inner, { table: '', index: parents[index] ?? index, rows: 0 }];
      }
      const bitmap = inner.map((scan) => scan.index).join('+');
      const index =
        node['Index Name'] === undefined ? bitmap || node['Node Type'] : (parents[node['Index Name']] ?? '');
      return [{ table, index, rows: rows[table] ?? 0 }];
    };
    const [{ Plan }] = JSON.parse(plan.slice(plan.indexOf('['))) as [{ Plan: PlanNode }];
    return read(Plan);
  }

  /** Three seconds of one statement from several clients; latencies in milliseconds. */
  async bench(script: string, role: string, clients: number): Promise<{ p99: number; text: string }> {
    const folder = join(this.postgres.folder, 'bench');
    mkdirSync(folder);
    try {
      writeFileSync(join(folder, 'script.sql'), script);
      const connect = ['-h', this.postgres.folder, '-U', role];
      const flags = [
        '-n',
        '-l',
        `--log-prefix=${join(folder, 'log')}`,
        '-c',
        String(clients),
        '-j',
        '2',
        '-T',
        '3',
      ];
      await run(join(this.postgres.bin, 'pgbench'), [
        ...connect,
        ...flags,
        '-f',
        join(folder, 'script.sql'),
        'lighthouse',
      ]);
      const logs = readdirSync(folder).filter((file) => file.startsWith('log'));
      const latencies = logs
        .flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'))
        .map((line) => Number(line.split(' ')[2]) / 1000)
        .sort((a, b) => a - b);
      const quantile = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? NaN;
      const rate = Math.round(latencies.length / 3);
      const text = `p50 ${quantile(0.5).toFixed(2)} ms, p99 ${quantile(0.99).toFixed(2)} ms, ${rate}/s from ${clients} clients`;
      return { p99: quantile(0.99), text };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  private psql(role: string, database: string, args: readonly string[], cwd?: string): Promise<Outcome> {
    return this.postgres.psql(['-h', this.postgres.folder, '-U', role, '-d', database, ...args], { cwd });
  }
}
