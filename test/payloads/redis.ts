/**
 * Runs the real payload files of the redis-sentinel construct through real programs: three members and a proxy, whose pods,
 * processes and network fail.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './redis/client';
import { Group } from './redis/group';
import { NAMES, Network } from './redis/network';
import type { Pod, RedisPayloadProps } from './redis/pod';
import { password, USERS } from './redis/users';
import { Writer } from './redis/writer';
import type { Report } from './report';
import { seconds, until } from './timing';

/** The tests of one group, in the order in which they leave it whole for the next. */
interface Scenario {
  readonly members: number;
  readonly purpose: RedisPayloadProps['purpose'];
  readonly test: (group: Group, report: Report) => Promise<void>;
}

const SCENARIOS: readonly Scenario[] = [
  {
    members: 3,
    purpose: 'sessions',
    async test(group, report) {
      await access(group, report);
      await renewedProxy(group, report);
      await crash(group, report);
      await isolation(group, report);
      await pause(group, report);
      await handover(group, report);
      await powerCut(group, report);
      await sessionEviction(group, report);
    },
  },
  {
    members: 3,
    purpose: 'cache',
    async test(group, report) {
      await emptyRestart(group, report);
      await cacheEviction(group, report);
    },
  },
  { members: 1, purpose: 'sessions', test: powerCut },
];

export async function check(report: Report): Promise<void> {
  for (const { members, purpose, test } of SCENARIOS) {
    const titled: Report = (name, ok, detail) =>
      report(`redis ${purpose} of ${members}: ${name}`, ok, detail);
    const network = await Network.open();
    let group: Group | undefined;
    try {
      group = new Group(network, members, purpose);
      titled('starts, every probe succeeds', true, seconds(await group.start()));
      titled('exactly one master', (await group.masters()).length === 1);
      await test(group, titled);
    } catch (error) {
      titled('runs to its end', false, `${String(error)}\n${await group?.logs()}`);
    } finally {
      await group?.close();
      await network.close();
    }
  }
}

async function access(group: Group, report: Report): Promise<void> {
  const { proxy } = group;
  const master = await group.master();
  const files = ['-f', '/run/haproxy/password.cfg', '-f', '/config/haproxy.cfg'];
  report('haproxy -c', await proxy.exec('haproxy', '-c', ...files));

  const cli = (pod: Pod, line: string) => pod.output('sh', '-c', `. /config/members.sh; ${line}`);
  const tls = '--tls --cacert /trust/ca.crt';
  const both = `${tls} --cert /tls/tls.crt --key /tls/tls.key`;
  const refused = async (name: string, line: string, error: RegExp) => {
    const output = await cli(master, line);
    report(`refuses ${name}`, error.test(output) && !output.includes('PONG'), output.split('\n')[0]);
  };
  for (const port of [6379, 26379]) {
    await refused(`plain text on ${port}`, `timeout 2 redis-cli -p ${port} PING`, /^(Error|I\/O|$)/i);
    await refused(
      `no certificate on ${port}`,
      `timeout 2 redis-cli ${tls} -p ${port} PING`,
      /certificate required|Error/,
    );
    await refused(`no user on ${port}`, `redis-cli ${both} -p ${port} PING`, /NOAUTH/);
    await refused(
      `a wrong password on ${port}`,
      `redis-cli ${both} -p ${port} --user probe --pass wrong PING`,
      /WRONGPASS/,
    );
  }
  await refused('the default user', `redis-cli ${both} --user default --pass '' PING`, /WRONGPASS|NOAUTH/);

  const bridge = (...command: string[]) => group.ask(proxy, 'bridge', ...command);
  report('an application writes its own keys', (await bridge('SET', 'bridge:a', '1')).startsWith('+OK'));
  report('an application touches no other key', (await bridge('GET', 'other:a')).startsWith('-NOPERM'));
  report('an application administers nothing', (await bridge('CONFIG', 'GET', '*')).startsWith('-NOPERM'));
  report(
    'the probe user reads no key',
    (await group.ask(master, 'probe', 'GET', 'bridge:a')).startsWith('-NOPERM'),
  );
  report(
    'the exporter reads its statistics',
    (await group.ask(master, 'exporter', 'SLOWLOG', 'LEN')).startsWith(':'),
  );

  const replica = group.pods.find((pod) => pod !== master) ?? master;
  const copied = await until(
    2000,
    'copied',
    async () => (await cli(replica, 'ask bridge 127.0.0.1 6379 GET bridge:a')) === '1\n',
  );
  report('replicates over TLS', true, seconds(copied));

  const secrets = USERS.map(password);
  const pods = [...group.pods, proxy];
  const visible = pods.flatMap((pod) => [
    ...pod.files('config'),
    ...pod.files('data'),
    ...pod.processFiles(),
  ]);
  const leaks = visible.filter((file) => secrets.some((secret) => readFileSync(file).includes(secret)));
  report(
    'no password in files of the ConfigMap, on the volume, in arguments or environment',
    leaks.length === 0,
    leaks.join(' '),
  );
  const pages = await Promise.all(
    ['healthz', 'master', 'metrics'].map((path) => fetch(`http://${proxy.ip}:8404/${path}`)),
  );
  report(
    'proxy answers /healthz, /master and /metrics',
    pages.every(({ status }) => status === 200),
  );
}

/** A renewed certificate: the liveness probe gives it to the proxy, whose clients do not notice. */
async function renewedProxy({ network, proxy }: Group, report: Report): Promise<void> {
  const kept = await Client.open(network, proxy.ip, 'bridge');
  const mounted = (file: string) => join(proxy.root, 'tls', file);
  const old = ['tls.crt', 'tls.key'].map((file) => [file, readFileSync(mounted(file))] as const);
  // Its last line asks by wget, which is not among the applets here: what it has done before is looked at.
  const live = () => proxy.exec('/bin/sh', '/config/live-haproxy.sh');
  const shown = () =>
    proxy.output('sh', '-c', "echo 'show ssl cert /tls/tls.crt' | nc -w 5 127.0.0.1 9999 | grep ^Subject:");
  network.authority.write(mounted('tls'), 'renewed', { names: NAMES });
  await live();
  report('a renewed certificate is in use', (await shown()).includes('CN=renewed'));
  await sleep(3000);
  report('checks with it succeed', (await fetch(`http://${proxy.ip}:8404/master`)).status === 200);
  report('a client from before keeps its connection', (await kept.send('PING')).startsWith('+PONG'));
  writeFileSync(mounted('tls.crt'), old[0]?.[1] ?? '');
  await live();
  report('one without its key is not taken', (await shown()).includes('CN=renewed'));
  for (const [file, text] of old) writeFileSync(mounted(file), text);
  await live();
  report('the next one is', (await shown()).includes('CN=redis'));
  kept.close();
}

/** The master's pod is gone; later it returns elsewhere. */
async function crash(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:crash');
  await master.signal('SIGKILL', 'redis', 'sentinel');
  const elected = await group.replaced(master);
  await group.flows(writer);
  report(
    'kill -9: another master',
    true,
    `elected ${seconds(elected)}, writes through the proxy stood still ${seconds(writer.takeGap())}`,
  );
  await master.attach();
  group.startPod(master);
  const back = await group.ready(30_000);
  report(
    'kill -9: the old master returns at another address as replica',
    (await group.master()) !== master,
    seconds(back),
  );
  await writer.stop();
  const lost = await group.lost('bridge:crash', writer.confirmed);
  report('kill -9: no write lost that WAIT 1 confirmed', lost === 0, `${lost} of ${writer.confirmed.length}`);
}

/** The master cannot reach anybody, and nobody can reach it. */
async function isolation(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  await master.link('down');
  const start = Date.now();
  const write = `. /config/members.sh; ask bridge 127.0.0.1 6379 SET bridge:isolated 1`;
  const refused = until(15_000, 'NOREPLICAS', async () =>
    (await master.output('sh', '-c', write)).startsWith('NOREPLICAS'),
  );
  const elected = group.replaced(master).then(() => Date.now() - start);
  const times = { refused: await refused, elected: await elected };
  report(
    'isolated master: refuses writes before another is elected',
    times.refused < times.elected,
    `refused after ${seconds(times.refused)}, elected after ${seconds(times.elected)}`,
  );
  await until(5000, 'proxy follows', () => group.proxied());
  await master.link('up');
  const back = await until(40_000, 'one master', async () => (await group.masters()).length === 1);
  await group.ready(30_000);
  report('isolated master: returns as replica', (await group.master()) !== master, seconds(back));
}

/** The master stands still and wakes up after another was elected, still believing it leads. */
async function pause(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:pause');
  await master.signal('SIGSTOP', 'redis');
  const elected = await group.replaced(master);
  const from = writer.accepted.length;
  await group.flows(writer);
  await master.signal('SIGCONT', 'redis');
  const demoted = await until(30_000, 'demoted', async () => (await group.masters()).length === 1);
  await group.ready(30_000);
  await writer.stop();
  const lost = await group.lost('bridge:pause', writer.accepted.slice(from));
  report(
    'woken master: the proxy leads no write to it',
    lost === 0 && (await group.master()) !== master,
    `elected ${seconds(elected)}, still ${seconds(writer.takeGap())}, woken master a replica after ${seconds(demoted)}, ${lost} lost`,
  );
}

/** The kubelet stops the master's pod: hook of Redis and SIGTERM of Sentinel at once, then SIGTERM of Redis. */
async function handover(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:handover');
  const start = Date.now();
  const [done] = await Promise.all([
    master.exec('/config/stop-redis.sh'),
    master.signal('SIGTERM', 'sentinel'),
  ]);
  const hook = Date.now() - start;
  await master.signal('SIGTERM', 'redis');
  const stopped = Date.now() - start;
  await group.flows(writer);
  report(
    'handover: writes continue',
    done,
    `hook ${seconds(hook)}, stopped ${seconds(stopped)}, still ${seconds(writer.takeGap())}`,
  );
  await master.attach();
  group.startPod(master);
  const back = await group.ready(30_000);
  await writer.stop();
  const lost = await group.lost('bridge:handover', writer.accepted);
  report(
    'handover: no acknowledged write lost',
    lost === 0,
    `${lost} of ${writer.accepted.length}, back ${seconds(back)}`,
  );
}

/** Every process dies at once, and every pod returns at another address. */
async function powerCut(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  const writer = await Writer.start(group, 'bridge:power');
  await sleep(500);
  await Promise.all(group.pods.map((pod) => pod.signal('SIGKILL', 'redis', 'sentinel')));
  await writer.stop();
  for (const pod of group.pods) {
    // The memory volume /run ends with the pod, /data stays.
    pod.clear('run');
    await pod.attach();
    group.startPod(pod);
  }
  const back = await group.ready(40_000);
  const lost = await group.lost('bridge:power', writer.accepted);
  report(
    'all killed at once: same master, same data',
    lost === 0 && (await group.master()) === master,
    `${seconds(back)}, ${lost} of ${writer.accepted.length} lost`,
  );
}

/** A cache's master is restarted faster than anybody notices, and has nothing: it must not make the others forget. */
async function emptyRestart(group: Group, report: Report): Promise<void> {
  const master = await group.master();
  await group.ask(group.proxy, 'bridge', 'SET', 'bridge:kept', '1');
  await sleep(1100);
  await master.signal('SIGKILL', 'redis');
  master.start('redis');
  const time = await group.ready(70_000);
  const kept = await group.ask(group.proxy, 'bridge', 'GET', 'bridge:kept');
  report(
    'a master that restarts empty does not lead',
    kept.includes('1') && (await group.master()) !== master,
    seconds(time),
  );
}

/** Writes 60 MB into 40 MB, of which the replication backlog takes 16: the replies that are errors, and the keys left. */
async function overfill(
  group: Group,
  key: string,
  ...options: string[]
): Promise<{ errors: string[]; keys: number }> {
  const master = await group.master();
  const client = await Client.open(group.network, group.proxy.ip, 'bridge');
  const errors: string[] = [];
  for (let index = 0; index < 600; index += 1) {
    const reply = await client.send('SET', `${key}:${index}`, 'x'.repeat(100_000), ...options);
    if (reply.startsWith('-')) errors.push(reply.trim());
  }
  client.close();
  const size = await group.ask(master, 'bridge', 'DBSIZE');
  return { errors, keys: Number(size.slice(1)) };
}

async function cacheEviction(group: Group, report: Report): Promise<void> {
  const { errors, keys } = await overfill(group, 'bridge:fill');
  report(
    'full: old keys make room',
    errors.length === 0 && keys > 100 && keys < 600,
    `${keys} of 600 keys left`,
  );
}

async function sessionEviction(group: Group, report: Report): Promise<void> {
  const expiring = await overfill(group, 'bridge:session', 'EX', '600');
  const kept = await group.ask(group.proxy, 'bridge', 'EXISTS', 'bridge:a');
  report(
    'full: sessions that expire make room, others stay',
    expiring.errors.length === 0 && kept.startsWith(':1'),
    `${expiring.keys} of 600 keys left`,
  );
  const lasting = await overfill(group, 'bridge:lasting');
  report(
    'full of lasting keys: refuses writes',
    lasting.errors.some((error) => error.startsWith('-OOM')),
    lasting.errors[0],
  );
}
