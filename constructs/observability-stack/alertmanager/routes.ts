/** Whom an alert can concern: its label `owner`. */
export const OWNERS = ['platform', 'data', 'bridge'] as const;

export type Owner = (typeof OWNERS)[number];

/** How an owner can be told: in a chat that is read during the day, or by a page that wakes somebody. */
export const WAYS = ['chat', 'page'] as const;

export type Way = (typeof WAYS)[number];

/** The receiver that must hear from Watchdog all the time, and tells somebody when it does not. */
export const DEAD_MANS_SWITCH = 'dead-mans-switch';

/** The receiver of what is only to be seen on dashboards. */
export const NOBODY = 'nobody';

/** The alert that always fires. */
export const WATCHDOG = 'Watchdog';

/** The receiver that tells an owner in one way. */
export function receiverOf(owner: Owner, way: Way): string {
  return `${owner}-${way}`;
}

/** A time every week in which warnings are held back. */
export interface MaintenanceWindow {
  readonly name: string;
  /** Days on which it begins, in English, lowercase. */
  readonly weekdays: readonly string[];
  /** Time of day, as in `02:00`. */
  readonly from: string;
  /** Time of the same day; `24:00` is its end. */
  readonly to: string;
  /** Of the IANA database, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

/** How long Alertmanager waits before it says something, says more, and says it again; in its own notation. */
export interface Timing {
  readonly wait: string;
  readonly interval: string;
  readonly repeat: string;
}

/** The times of each kind of message. */
export type Timings = Readonly<Record<Way | 'watchdog', Timing>>;

/**
 * Chats have Alertmanager's own first two times, which let what belongs together arrive together, and are reminded once
 * per shift. Pages do not wait for company. A page that is repeated opens no second incident while the first one is open;
 * one that somebody closed by hand while the alert still fires comes back within the hour. Watchdog is told at every
 * interval: the time to repeat is shorter, so that one is never skipped for having come a moment early.
 */
export const TIMINGS: Timings = {
  chat: { wait: '30s', interval: '5m', repeat: '8h' },
  page: { wait: '10s', interval: '1m', repeat: '1h' },
  watchdog: { wait: '0s', interval: '1m', repeat: '50s' },
};

/** One receiver's settings, in Alertmanager's own terms: `webhook_configs` and its like. */
export type Integrations = Readonly<Record<string, readonly object[]>>;

export interface Routing {
  /** The settings of every receiver that tells somebody. */
  readonly integrations: (receiver: string) => Integrations;
  readonly maintenance: readonly MaintenanceWindow[];
  readonly timings: Timings;
}

/** Alertmanager's configuration: who is told of what, when, and of what not. */
export function configurationOf({ integrations, maintenance, timings }: Routing): object {
  const told = [...OWNERS.flatMap((owner) => WAYS.map((way) => receiverOf(owner, way))), DEAD_MANS_SWITCH];
  const windows = maintenance.map(({ name }) => name);
  return {
    templates: ['messages.tmpl'],
    route: {
      // What is nobody's is the platform's.
      receiver: receiverOf('platform', 'chat'),
      group_by: ['alertname', 'cluster', 'service'],
      ...times(timings.chat),
      routes: [
        { receiver: DEAD_MANS_SWITCH, matchers: [`alertname="${WATCHDOG}"`], ...times(timings.watchdog) },
        { receiver: NOBODY, matchers: ['severity="info"'] },
        ...OWNERS.map((owner) => ({
          receiver: receiverOf(owner, 'chat'),
          matchers: [`owner="${owner}"`],
          routes: severities(owner, timings, windows),
        })),
      ],
    },
    inhibit_rules: INHIBITIONS,
    ...(maintenance.length > 0 ? { time_intervals: maintenance.map(interval) } : {}),
    receivers: [{ name: NOBODY }, ...told.map((name) => ({ name, ...integrations(name) }))],
  };
}

/** Below an owner's route: critical pages and is in the chat as well; warnings are held back during maintenance. */
function severities(owner: Owner, timings: Timings, windows: readonly string[]): object[] {
  const [chat, page] = [receiverOf(owner, 'chat'), receiverOf(owner, 'page')];
  return [
    { receiver: page, matchers: ['severity="critical"'], ...times(timings.page), continue: true },
    { receiver: chat, matchers: ['severity="critical"'] },
    {
      receiver: chat,
      matchers: ['severity="warning"'],
      ...(windows.length > 0 ? { mute_time_intervals: windows } : {}),
    },
  ];
}

/**
 * What need not be said because something else is. Labels that neither alert has count as equal, so each rule asks for
 * one that must be there. Causes stay when their symptom pages: they are what the page's reader looks for.
 */
const INHIBITIONS: readonly object[] = [
  // The same alert in a milder degree, about the same subject.
  {
    source_matchers: ['severity="critical"'],
    target_matchers: ['severity=~"warning|info"'],
    equal: ['alertname', 'cluster', 'namespace', 'service', 'pod', 'persistentvolumeclaim'],
  },
  // Whatever is said of a node that is gone, and of the pods on it.
  {
    source_matchers: ['alertname="NodeNotReady"'],
    target_matchers: ['alertname!="NodeNotReady"', 'node!=""'],
    equal: ['cluster', 'node'],
  },
];

function times({ wait, interval, repeat }: Timing): object {
  return { group_wait: wait, group_interval: interval, repeat_interval: repeat };
}

function interval({ name, weekdays, from, to, timeZone }: MaintenanceWindow): object {
  const times = [{ start_time: from, end_time: to }];
  return { name, time_intervals: [{ weekdays, times, location: timeZone }] };
}
