/**
 * Who gets into PostgreSQL and PgBouncer with what: the lines of pg_hba.conf and the settings of the pooler as they are
 * printed, in the real programs, with the operator's own lines around them and certificates of three authorities.
 */
import { clientRules } from '../../constructs/postgres-cluster/client-rules';
import {
  type Client,
  MIGRATOR,
  OWNER,
  POOLER,
  PoolerStand,
  type Server,
  STANDBY,
  WRITER,
} from './pooler-stand';
import type { Report } from './report';

/** What is tried, and what is said where it must be refused. */
type Attempt = readonly [name: string, client: Client, refusal?: RegExp];

const NO_CERTIFICATE = /requires a valid client certificate/;
const NOT_TRUSTED = /unknown ca|certificate|closed the connection|SSL error|reset by peer/i;

const AT_POSTGRES: readonly Attempt[] = [
  ['the owner by its certificate and password', { role: OWNER, certificate: 'own/owner' }],
  ['the owner by its password alone', { role: OWNER }, NO_CERTIFICATE],
  [
    'the owner by its certificate alone',
    { role: OWNER, certificate: 'own/owner', password: 'none' },
    /no password supplied/,
  ],
  [
    'the owner with a wrong password',
    { role: OWNER, certificate: 'own/owner', password: 'wrong' },
    /password authentication failed/,
  ],
  [
    'the owner by the pooler’s certificate',
    { role: OWNER, certificate: 'own/pooler' },
    /authentication failed/,
  ],
  ['the owner by a certificate of the platform', { role: OWNER, certificate: 'platform/owner' }, NOT_TRUSTED],
  ['the owner by a stranger’s certificate', { role: OWNER, certificate: 'stranger/owner' }, NOT_TRUSTED],
  ['the owner by a certificate for servers', { role: OWNER, certificate: 'own/server-only' }, NOT_TRUSTED],
  ['the owner without TLS', { role: OWNER, tls: 'disable' }, /no encryption|rejects connection/],
  ['the writer by any certificate that the operator signed', { role: WRITER, certificate: 'own/pooler' }],
  ['the writer by its password alone', { role: WRITER }, NO_CERTIFICATE],
  [
    'the writer by a certificate of the platform',
    { role: WRITER, certificate: 'platform/bridge' },
    NOT_TRUSTED,
  ],
  ['the migrator by its password alone, while nobody migrates', { role: MIGRATOR }, NO_CERTIFICATE],
  ['a standby by its certificate alone', { role: STANDBY, certificate: 'own/standby', password: 'none' }],
  [
    'a standby by a certificate of the platform in its name',
    { role: STANDBY, certificate: 'platform/standby', password: 'none' },
    NOT_TRUSTED,
  ],
];

const AT_POOLER: readonly Attempt[] = [
  [
    'the writer by a certificate of the platform and its password',
    { role: WRITER, certificate: 'platform/bridge' },
  ],
  ['the writer by its password alone', { role: WRITER }, NOT_TRUSTED],
  [
    'the writer by its certificate alone',
    { role: WRITER, certificate: 'platform/bridge', password: 'none' },
    /no password supplied/,
  ],
  [
    'the writer with a wrong password',
    { role: WRITER, certificate: 'platform/bridge', password: 'wrong' },
    /authentication failed/,
  ],
  ['the writer by a stranger’s certificate', { role: WRITER, certificate: 'stranger/owner' }, NOT_TRUSTED],
  ['the writer by a certificate of the operator’s', { role: WRITER, certificate: 'own/owner' }, NOT_TRUSTED],
  ['the writer without TLS', { role: WRITER, tls: 'disable' }, /SSL required/],
];

export async function check(report: Report): Promise<void> {
  const stand = await PoolerStand.open();
  try {
    await stand.startPostgres(clientRules(OWNER));
    await tried(report, stand, 'PostgreSQL', AT_POSTGRES);
    await stand.startPooler();
    await tried(report, stand, 'PgBouncer', AT_POOLER);
    const shown = await stand.connect(
      'PgBouncer',
      { role: WRITER, certificate: 'platform/bridge' },
      'SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    report(
      'PgBouncer shows PostgreSQL its own certificate, whoever its client is',
      shown.said === `/CN=${POOLER}`,
      shown.said,
    );
    await stand.setRules(clientRules(OWNER, [MIGRATOR]));
    const let_in: readonly Attempt[] = [
      ['the migrator by its password alone, while somebody migrates', { role: MIGRATOR }],
      ['the owner by its password alone, while somebody migrates', { role: OWNER }, NO_CERTIFICATE],
    ];
    await tried(report, stand, 'PostgreSQL', let_in);
  } finally {
    await stand.close();
  }
}

async function tried(
  report: Report,
  stand: PoolerStand,
  server: Server,
  attempts: readonly Attempt[],
): Promise<void> {
  for (const [name, client, refusal] of attempts) {
    const { ok, said } = await stand.connect(server, client, 'SELECT current_user');
    const fine = refusal ? !ok && refusal.test(said) : ok && said === client.role;
    report(`${server}, ${refusal ? 'refused' : 'let in'}: ${name}`, fine, fine ? '' : said);
  }
}
