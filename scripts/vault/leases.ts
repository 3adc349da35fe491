import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorder } from '../../acceptance/report';
import { EventReading } from '../../constructs/event-reading';
import { PostgresCluster } from '../../constructs/postgres-cluster';
import { LENDER } from '../../constructs/postgres-cluster/lender';
import { DATABASE, PASSWORD } from '../../test/payloads/pooler-stand';
import { CHECKER, Configured, lastLine } from './configured';
import { type Printed, vaultFor } from './consumers';
import { Database, type Lent } from './database';
import { Room } from './room';
import { same, type Stand, until } from './stand';

const BORROWER = { namespace: 'reading', name: 'events' };
const LOGINS = 2;
const CREDENTIALS = '/v1/database/creds/events-reader';
const ROLE = '/v1/database/roles/events-reader';
const COUNT = 'SELECT count(*) FROM events';

/** A cluster that lends two logins at once, to where people read events. */
function lending(): Printed {
  return vaultFor((vault, { namespaces, vaultNamespace, authority, maker }) => {
    const { lender } = new PostgresCluster(namespaces.add('postgres'), 'events', {
      images: { postgres: 'postgres', pgbouncer: 'pgbouncer' },
      authority,
      maker,
      resources: { cpu: '1', memory: '2Gi' },
      storage: { storageClass: 'standard', data: '10Gi', wal: '5Gi' },
      clientConnections: 100,
      eventRetentionDays: 30,
      lending: { by: vaultNamespace, logins: LOGINS },
    });
    if (!lender) throw new Error('nothing is lent');
    new EventReading(namespaces.add(BORROWER.namespace), BORROWER.name, {
      images: { postgres: 'postgres', python: 'python' },
      vault,
      lender,
      authority,
    });
  });
}

/** Logins that Vault lends of PostgreSQL, of the platform's own major version, by way of a pooler. */
export async function proveLeases(recorder: Recorder, stand: Stand): Promise<void> {
  const step = (name: string, action: () => Promise<string>) => recorder.check('Leases', name, action);
  const database = await Database.start();
  const login = join(stand.sandbox.folder, 'login');
  mkdirSync(login);
  writeFileSync(join(login, 'password'), PASSWORD);
  const vault = await Configured.start(stand, lending(), {
    '/logins/events': login,
    'events-pool.postgres.svc.cluster.local:5432': `localhost:${database.stand.ports.PgBouncer}`,
    '/trust/ca.crt': join(database.stand.folder, 'platform/ca.crt'),
    '/tls/tls.crt': join(database.stand.folder, 'platform/bridge.crt'),
    '/tls/tls.key': join(database.stand.folder, 'platform/bridge.client-key'),
  });
  const lend = async (token: string): Promise<Lent> =>
    JSON.parse((await vault.member.want({ path: CREDENTIALS, token })).toString()) as Lent;
  const logOut = (token: string): Promise<Buffer> => vault.write('/v1/auth/token/revoke-self', {}, token);

  try {
    await step(
      'how Vault gets in is written, once; whoever looks needs no password to find nothing',
      async () => {
        await vault.admit();
        const applied = await vault.apply();
        if (!(await vault.apply()).includes(' 0 differed, 0 written, 0 unknown')) throw new Error('not once');
        const checked = await vault.program('check');
        same(checked.status, 0, checked.stdout + checked.stderr);
        const told = (await vault.ask('/v1/database/config/events')).body.toString();
        same(told.includes(`"${PASSWORD}"`), false, 'whether Vault tells the password');
        return lastLine(applied);
      },
    );
    await step('a login is lent and reads, by the pooler and with a certificate; nothing else', async () => {
      const token = await vault.login(BORROWER);
      const { data, lease_duration: seconds } = await lend(token);
      same((await database.as(data, COUNT)).said, '0', 'the number of events');
      const writing = await database.as(data, 'BEGIN READ WRITE; DELETE FROM events');
      const other = await database.as(data, 'SELECT * FROM store_migrations');
      same(
        [writing, other].map(({ said }) => /permission denied/.test(said)),
        [true, true],
        'refused',
      );
      const directly = await database.stand.connect(
        'PostgreSQL',
        {
          ...{
            role: data.username,
            password: data.password,
            database: DATABASE,
            certificate: 'platform/bridge',
          },
        },
        COUNT,
      );
      same(directly.ok, false, 'let in directly');
      const bare = await database.stand.connect(
        'PgBouncer',
        {
          ...{ role: data.username, password: data.password, database: DATABASE },
        },
        COUNT,
      );
      same(bare.ok, false, 'let in without a certificate');
      same(/^lease_kubernetes_reading_events_\w{16}$/.test(data.username), true, data.username);
      await logOut(token);
      return `${data.username.slice(0, -16)}…, for ${seconds} s`;
    });
    await step('nobody else is lent one', async () => {
      const ask = async (account: { namespace: string; name: string }): Promise<number> => {
        const token = await vault.login(account);
        return (await vault.member.ask({ path: CREDENTIALS, token })).status;
      };
      same(await ask(CHECKER), 403, 'the status for whoever looks');
      return 'whoever looks: 403';
    });
    await step('no more are lent than there is room for', async () => {
      const token = await vault.login(BORROWER);
      for (let each = 0; each < LOGINS; each++) await lend(token);
      const { status, body } = await vault.member.ask({ path: CREDENTIALS, token });
      same(/all 2 logins are lent/.test(body.toString()), true, `${status} ${body.toString()}`);
      const held = await database.number(`SELECT count(*) FROM pg_stat_activity WHERE usename = '${LENDER}'`);
      if (held > 2) throw new Error(`Vault holds ${held} connections`);
      await logOut(token);
      await until('they are gone', async () => (await database.lent()) === 0);
      return `the third: ${status}, "all 2 logins are lent"; Vault holds ${held} connections`;
    });
    await step(
      'whoever logs out gives back what was lent: the session ends and the role is gone',
      async () => {
        const token = await vault.login(BORROWER);
        const { data } = await lend(token);
        const session = database.as(data, 'SELECT pg_sleep(60)');
        await until('it is at work', async () => (await database.sessions(data.username)) === 1);
        const start = performance.now();
        await logOut(token);
        const { said } = await session;
        const ended = Math.round(performance.now() - start);
        same(await database.lent(), 0, 'roles that are left');
        const again = await database.as(data, COUNT);
        same(again.ok, false, 'let in afterwards');
        return `after ${ended} ms: ${said.split('\n')[0] ?? ''}; then: ${again.said.split('failed: ')[1] ?? again.said}`;
      },
    );
    await step('what is not renewed ends, and nothing is longer than an hour', async () => {
      await vault.write(ROLE, { ...(await role(vault)), default_ttl: 3 });
      const token = await vault.login(BORROWER);
      const renewed = await lend(token);
      const { data } = await lend(token);
      const body = { lease_id: renewed.lease_id, increment: 86_400 };
      const answer = await vault.write('/v1/sys/leases/renew', body, token);
      const { lease_duration: longest } = JSON.parse(answer.toString()) as Lent;
      if (longest > 3600) throw new Error(`renewed for ${longest} s`);
      const valid = await database.number(
        `SELECT ceil(extract(epoch FROM max(rolvaliduntil) - now())) FROM pg_roles WHERE rolname = '${renewed.data.username}'`,
      );
      if (valid > 3605) throw new Error(`PostgreSQL lets it in for ${valid} s`);
      const session = database.as(data, 'SELECT pg_sleep(60)');
      const time = await until('one is left', async () => (await database.lent()) === 1);
      same((await session).ok, false, 'the session went on');
      same((await database.as(renewed.data, COUNT)).ok, true, 'the renewed one reads');
      await logOut(token);
      const told = await vault.program('check');
      same(told.status, 1, 'exit status of the check');
      if (!told.stdout.includes('database/roles/events-reader: default_ttl differs'))
        throw new Error(told.stdout);
      return `gone after ${time} ms, its session too; asked for a day: ${longest} s, in PostgreSQL ${valid} s; ${lastLine(await vault.apply())}`;
    });
    await step(
      'a person reads by a script; what they were lent goes with them, however they go',
      async () => {
        const room = await Room.open(vault, database, BORROWER, CREDENTIALS.slice('/v1/'.length));
        const { stdout, stderr } = await room.read('-At', '-c', COUNT);
        same(stdout.trim(), '0', stderr);
        await until('it is given back', async () => (await database.lent()) === 0);
        const first = room.start('-c', 'SELECT pg_sleep(60)');
        const second = room.start('-c', 'SELECT pg_sleep(60)');
        await until('both are lent', async () => (await database.lent()) === 2);
        const third = await room.read('-c', COUNT);
        same([third.status, /all 2 logins are lent/.test(third.stderr)], [1, true], third.stderr);
        first.kill('SIGKILL');
        const time = await until('one is left', async () => (await database.lent()) === 1);
        second.kill('SIGTERM');
        await room.close();
        await until('none is left', async () => (await database.lent()) === 0);
        return `a script that was killed: given back after ${time} ms; the third: ${third.stderr.trim().slice(0, 40)}…`;
      },
    );
    await step('its password is another one: written by whoever writes, and used', async () => {
      writeFileSync(join(login, 'password'), 'another');
      await database.stand.asSuperuser(`ALTER ROLE ${LENDER} PASSWORD 'another'`);
      const applied = await vault.apply();
      if (!applied.includes('database/config/events: password_digest differs')) throw new Error(applied);
      const token = await vault.login(BORROWER);
      same((await database.as((await lend(token)).data, COUNT)).ok, true, 'the next login reads');
      await logOut(token);
      return lastLine(applied);
    });
    await step('while Vault is away nobody new gets in by what is over', async () => {
      await vault.write(ROLE, { ...(await role(vault)), default_ttl: 3 });
      const token = await vault.login(BORROWER);
      const [used, unused] = [await lend(token), await lend(token)];
      same((await database.as(used.data, COUNT)).ok, true, 'it reads');
      await vault.ask('/v1/sys/seal', 'PUT');
      // PostgreSQL is told five seconds more.
      await sleep(9000);
      const outcomes = [await database.as(unused.data, COUNT), await database.as(used.data, COUNT)];
      same(outcomes[0]?.ok, false, 'let in for the first time');
      return `for the first time: ${outcomes[0]?.said.split('failed: ')[1] ?? ''}; again, while the pooler keeps a connection: ${outcomes[1]?.ok ? 'let in' : 'refused'}`;
    });
  } finally {
    await vault.stop();
    await database.stand.close();
  }
}

async function role(vault: Configured): Promise<object> {
  const { data } = JSON.parse((await vault.ask(ROLE)).body.toString()) as { data: object };
  return data;
}
