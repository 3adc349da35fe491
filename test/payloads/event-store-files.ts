import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderPayload } from '../../constructs/platform/config-files';

export const EVENT_STORE = join(__dirname, '../../constructs/postgres-cluster/event-store');

const PLAIN = [
  'apply.sql',
  'migrate.sql',
  '001-events.sql',
  '002-partitions.sql',
  'grants.sql',
  'lender.sql',
];

/** The files of the schema, and of what Vault lends of it, by name; what has holes, filled. */
export function schemaFiles(): Readonly<Record<string, string>> {
  return {
    ...Object.fromEntries(PLAIN.map((name) => [name, readFileSync(join(EVENT_STORE, name), 'utf8')])),
    'settings.sql': renderPayload(join(EVENT_STORE, 'settings.sql'), {
      RETENTION_DAYS: 30,
      PARTITIONS_AHEAD_DAYS: 7,
    }),
  };
}
