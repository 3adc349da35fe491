import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../constructs/platform/manifest';
import { waitForHealth } from '../apply';
import type { Cluster } from '../cluster';
import type { Trial } from '../trial';

/** Something that is stopped, and the alerts that must tell of it. */
interface Fault {
  readonly victim: { readonly kind: keyof typeof STOPS; readonly name: string };
  readonly alerts: readonly Readonly<Record<string, string>>[];
}

/** How an object is stopped without being deleted, and what undoes it: patches, by kind. */
const STOPS = {
  Deployment: { stop: { spec: { replicas: 0 } }, start: undefined },
  StatefulSet: { stop: { spec: { replicas: 0 } }, start: undefined },
  Cluster: {
    stop: { metadata: { annotations: { 'cnpg.io/hibernation': 'on' } } },
    start: { metadata: { annotations: { 'cnpg.io/hibernation': 'off' } } },
  },
} as const;

const down = (service: string) => ({ alertname: 'ServiceDown', service });

/** Alerts that wake somebody, so that they are told at once: all of them within minutes. */
const FAULTS: readonly Fault[] = [
  {
    victim: { kind: 'StatefulSet', name: 'cache-members' },
    alerts: [{ alertname: 'RedisNoMaster' }, down('redis-cache')],
  },
  {
    victim: { kind: 'Cluster', name: 'events' },
    alerts: [{ alertname: 'PostgresNoPrimary' }, down('postgres')],
  },
  { victim: { kind: 'Deployment', name: 'embeddings' }, alerts: [down('embeddings')] },
  { victim: { kind: 'Deployment', name: 'grafana' }, alerts: [down('grafana')] },
  { victim: { kind: 'StatefulSet', name: 'tempo' }, alerts: [down('tempo')] },
];

/** One alert as the platform's own receiver of messages printed it. */
export interface Message {
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly runbook: string;
}

/** Seconds until an alert must have been told: scraping and evaluating, its `for`, the time its group waits. */
const TOLD_SECONDS = 600;

/** Seconds until it must have been told that it is over: recovery, `keep_firing_for`, the interval of its group. */
const OVER_SECONDS = 900;

/**
 * Stops services for real: each alert about it must come to whoever its owner's page wakes, with a summary and its runbook, and
 * the word that it is over after the service was started again. All of it at once, for most of it is waiting.
 */
export async function fireAlerts(trial: Trial): Promise<void> {
  const { recorder, manifests } = trial;
  const log = manifests.find(
    ({ kind, metadata }) =>
      kind === 'Deployment' && metadata.labels?.['app.kubernetes.io/name'] === 'message-log',
  );
  await Promise.all(
    FAULTS.map(async (fault) => {
      const name = `${fault.victim.kind} ${fault.victim.name} is stopped`;
      const victim = manifests.find(
        ({ kind, metadata }) => kind === fault.victim.kind && metadata.name === fault.victim.name,
      );
      if (!log) return recorder.skip('alerts', name, 'messages go to somebody outside');
      if (!victim) return recorder.skip('alerts', name, 'this platform has none');
      return recorder.check('alerts', name, () => toldOf(trial, fault, victim, log));
    }),
  );
}

async function toldOf({ cluster }: Trial, fault: Fault, victim: Manifest, log: Manifest): Promise<string> {
  const { stop, start } = STOPS[fault.victim.kind];
  const since = new Date();
  const startAgain = async (): Promise<void> => {
    if (start) await patch(cluster, victim, start);
    await cluster.apply(victim);
  };
  await patch(cluster, victim, stop);
  try {
    const told = await Promise.all(
      fault.alerts.map((labels) => messageOf(cluster, log, since, labels, 'firing', TOLD_SECONDS)),
    );
    const firing = told.map(({ message, seconds }) => tellingOf(message, seconds));
    await startAgain();
    const over = await Promise.all(
      fault.alerts.map((labels) => messageOf(cluster, log, since, labels, 'resolved', OVER_SECONDS)),
    );
    return `${firing.join('; ')}; over after ${Math.max(...over.map(({ seconds }) => seconds)).toFixed(0)} s`;
  } finally {
    await startAgain();
    await waitForHealth(cluster, [victim], OVER_SECONDS);
  }
}

/** @throws Error where a message says neither what is wrong nor what to do */
function tellingOf(message: Message, seconds: number): string {
  const { alertname = '', owner = '' } = message.labels;
  if (message.receiver !== `${owner}-page`)
    throw new Error(`${alertname} of ${owner} came to ${message.receiver}`);
  if (!message.summary || !message.runbook.endsWith(`/${alertname}.md`))
    throw new Error(`${alertname} was told without a summary or its runbook`);
  return `${alertname} (${message.summary}) came to ${message.receiver} after ${seconds.toFixed(0)} s`;
}

async function patch(cluster: Cluster, object: Manifest, body: object): Promise<void> {
  await cluster.request('PATCH', await cluster.pathOf(object), {
    body,
    contentType: 'application/merge-patch+json',
  });
}

/** The first page about an alert since a time, and how long it took to come. */
async function messageOf(
  cluster: Cluster,
  log: Manifest,
  since: Date,
  labels: Readonly<Record<string, string>>,
  status: Message['status'],
  limit: number,
): Promise<{ message: Message; seconds: number }> {
  const start = performance.now();
  for (;;) {
    const seconds = (performance.now() - start) / 1000;
    const message = (await messagesIn(cluster, log, since)).find(
      (each) =>
        each.receiver.endsWith('-page') &&
        each.status === status &&
        Object.entries(labels).every(([key, value]) => each.labels[key] === value),
    );
    if (message) return { message, seconds };
    if (seconds > limit)
      throw new Error(
        `nobody was told within ${limit} s that ${Object.values(labels).join(' ')} is ${status}`,
      );
    await sleep(3000);
  }
}

async function messagesIn(cluster: Cluster, { metadata }: Manifest, since: Date): Promise<Message[]> {
  const { stdout } = await cluster.kubectl([
    'logs',
    `--namespace=${metadata.namespace}`,
    `deployment/${metadata.name}`,
    `--since-time=${since.toISOString()}`,
  ]);
  return stdout.split('\n').flatMap(messageIn);
}

/** Reads one line that the receiver printed; nothing where it is no message. */
export function messageIn(line: string): Message[] {
  return line.startsWith('{') ? [JSON.parse(line) as Message] : [];
}
