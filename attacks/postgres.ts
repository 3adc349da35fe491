import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Outcome } from '../acceptance/kubectl';
import { buildPlatform } from '../charts/platform';
import { loadImages } from '../config/images';
import { loadEnvironment } from '../config/load';
import { Authority, ENDED, type Issued, type Leaf } from '../guarantees/certificates/authority';
import { freePort } from '../acceptance/free-port';
import { Postgres } from '../test/payloads/postgres-stand';
import type { Attack, Ground } from './attack';

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';
const NAME = 'localhost';
const ROLE = 'lighthouse_reader';
const POOLER = 'cnpg_pooler_pgbouncer';

/** PostgreSQL with production's rules of who connects and how, between what CloudNativePG writes before and after them. */
export const POSTGRES: Ground = {
  where: 'PostgreSQL with production’s pg_hba, on loopback',
  open: async (tried) => {
    const authority = new Authority();
    // CloudNativePG's own, by which the server knows its clients.
    const operators = new Authority();
    const { certificate, key } = authority.issue('postgres', { names: [NAME] });
    // CloudNativePG's own last line lets in whoever has a password, also in plain text: what stands before it decides.
    const rules = ['local all all trust', ...printedRules(), 'host all all all scram-sha-256'];
    const files = {
      'pg_hba.conf': rules.map((rule) => `${rule}\n`).join(''),
      ...{ 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate },
      'clients.crt': operators.certificate,
    };
    const settings = [
      ...['listen_addresses=127.0.0.1', 'hba_file=pg_hba.conf', 'password_encryption=scram-sha-256'],
      ...[
        'ssl=on',
        'ssl_cert_file=../tls.crt',
        'ssl_key_file=../tls.key',
        'ssl_ca_file=../clients.crt',
        'ssl_min_protocol_version=TLSv1.3',
      ],
    ];
    const postgres = await Postgres.start(settings, files, await freePort());
    try {
      await tried(await attacksOn(postgres, authority, operators));
    } finally {
      await postgres.stop();
    }
  },
};

/** What production's Cluster says of connections. */
function printedRules(): readonly string[] {
  const environment = loadEnvironment(join(ROOT, 'config', 'production.yaml'));
  const place = environment.clusters.find(({ role }) => role === 'primary');
  if (!place) throw new Error('production has no primary cluster');
  const { objects } = buildPlatform(environment, place, loadImages(join(ROOT, 'config', 'images.yaml')));
  const found = objects.flatMap(({ manifest: { kind, spec } }) =>
    kind === 'Cluster'
      ? [(spec as { postgresql?: { pg_hba?: readonly string[] } }).postgresql?.pg_hba ?? []]
      : [],
  );
  const [rules] = found;
  if (!rules || rules.length === 0) throw new Error('production has no Cluster with pg_hba');
  return rules;
}

async function attacksOn(
  postgres: Postgres,
  authority: Authority,
  operators: Authority,
): Promise<readonly Attack[]> {
  const password = randomBytes(16).toString('hex');
  const admin = ['-h', postgres.folder, '-U', 'postgres', '-At', '-c'];
  const must = async (sql: string): Promise<string> => {
    const { ok, output, error } = await postgres.psql([...admin, sql]);
    if (!ok) throw new Error(error);
    return output;
  };
  await must(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${password}'`);

  /** A client that knows the password, and shows a certificate. */
  const client = async (sslmode: string, shown?: Issued): Promise<Outcome> => {
    if (shown) {
      postgres.write('client.crt', shown.certificate);
      postgres.write('client.key', shown.key);
    }
    const env = {
      PGHOSTADDR: '127.0.0.1',
      PGPASSWORD: password,
      PGSSLMODE: sslmode,
      PGSSLROOTCERT: join(postgres.folder, 'ca.crt'),
      PGSSLCERT: join(postgres.folder, shown ? 'client.crt' : 'none.crt'),
      PGSSLKEY: join(postgres.folder, 'client.key'),
    };
    const target = ['-h', NAME, '-U', ROLE, '-d', 'postgres', '-c', 'SELECT 1'];
    const { ok, output, error } = await postgres.psql(target, { env });
    return { status: ok ? 0 : 1, stdout: output, stderr: error };
  };
  const own = operators.issue(POOLER);
  /** Gives the server another certificate, as a renewal does; a server that does not take it is an error. */
  const serving = async (signer: Authority, leaf: Leaf): Promise<void> => {
    const { certificate, key } = signer.issue('postgres', leaf);
    const before = await must('SELECT pg_conf_load_time()');
    postgres.write('tls.crt', certificate);
    postgres.write('tls.key', key);
    await must('SELECT pg_reload_conf()');
    for (let tries = 0; (await must('SELECT pg_conf_load_time()')) === before; tries++)
      if (tries > 50) throw new Error('PostgreSQL does not read its certificate again');
  };
  const verified = (signer: Authority, leaf: Leaf) => async (): Promise<Outcome> => {
    await serving(signer, leaf);
    return client('verify-full', own);
  };
  const right = verified(authority, { names: [NAME] });
  return [
    {
      name: 'a downgrade: a client with the right password asks PostgreSQL in plain text',
      means: 'pg_hba: hostnossl is rejected',
      refusal: /pg_hba.conf rejects connection .* no encryption/,
      attempt: () => client('disable'),
      permitted: 'the same by TLS',
      control: () => client('require', own),
    },
    {
      name: 'a client that has a stolen password and no certificate asks PostgreSQL',
      means: 'pg_hba: a password alone opens nothing (clientcert)',
      refusal: /requires a valid client certificate/,
      attempt: () => client('require'),
      permitted: 'the same password with the pooler’s certificate',
      control: () => client('require', own),
    },
    {
      name: 'a client that has a stolen password and a certificate of the platform asks PostgreSQL',
      means: 'the server knows its clients by the operator’s own authority',
      refusal: /unknown ca/,
      attempt: () => client('require', authority.issue(POOLER)),
      permitted: 'the same password with the pooler’s certificate',
      control: () => client('require', own),
    },
    {
      name: 'a client that has a stolen password and an expired certificate asks PostgreSQL',
      means: 'certificates are verified, their dates among them',
      refusal: /certificate expired/,
      attempt: () => client('require', operators.issue(POOLER, { to: ENDED })),
      permitted: 'the same password with a certificate that has not ended',
      control: () => client('require', own),
    },
    {
      name: 'PostgreSQL’s own certificate has expired: a client is asked to talk to it all the same',
      means: 'clients verify the server (sslmode verify-full)',
      refusal: /certificate has expired|certificate verify failed/,
      attempt: verified(authority, { names: [NAME], to: ENDED }),
      permitted: 'with a renewed one, without a restart',
      control: right,
    },
    {
      name: 'somebody in between answers for PostgreSQL, with a certificate of another authority',
      means: 'clients verify the server (sslmode verify-full)',
      refusal: /certificate verify failed/,
      attempt: verified(new Authority(), { names: [NAME] }),
      permitted: 'the server itself',
      control: right,
    },
    {
      name: 'another service of the platform answers for PostgreSQL, with its own certificate',
      means: 'clients verify the server’s name (sslmode verify-full)',
      refusal: /does not match host name/,
      attempt: verified(authority, { names: ['cache-members.redis.svc.cluster.local'] }),
      permitted: 'the server itself',
      control: right,
    },
  ];
}
