import type { CronJobSpec } from '../../imports/k8s';

/**
 * How a job runs again and again: one at a time, by a schedule of five fields in UTC, with its last failures kept to look at.
 * @param startingDeadlineSeconds how late it may still begin
 */
export function recurring(
  schedule: string,
  startingDeadlineSeconds = 3600,
): Omit<CronJobSpec, 'jobTemplate'> {
  return {
    schedule,
    timeZone: 'Etc/UTC',
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds,
    successfulJobsHistoryLimit: 1,
    failedJobsHistoryLimit: 3,
  };
}

const DAY = 24 * 60;

/** Days that are looked at: more than a year, so that what runs once a year is seen twice. */
const HORIZON = 2 * 366;

/** The allowed numbers of each field: minute, hour, day of the month, month, day of the week. */
const RANGES = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/**
 * The longest time between two runs of a schedule of six fields, seconds first, in seconds; infinite where it never runs
 * twice.
 */
export function longestGap(schedule: string): number {
  const [, ...fields] = schedule.trim().split(/\s+/);
  const [minutes = [], hours = [], dates = [], months = [], weekdays = []] = RANGES.map(
    ([low, high], index) => numbers(fields[index] ?? '*', low, high),
  );
  const times = hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute)).sort((a, b) => a - b);
  const [first] = times;
  const last = times.at(-1);
  if (first === undefined || last === undefined) return Infinity;
  // Where both are restricted, either will do: as in every cron since the first.
  const either = !isAny(fields[2]) && !isAny(fields[4]);
  const days = Array.from({ length: HORIZON }, (_, index) => index).filter((index) => {
    const date = new Date(Date.UTC(2026, 0, 1 + index));
    const onDate = dates.includes(date.getUTCDate());
    const onWeekday = weekdays.some((weekday) => weekday % 7 === date.getUTCDay());
    return months.includes(date.getUTCMonth() + 1) && (either ? onDate || onWeekday : onDate && onWeekday);
  });
  if (days.length < 2) return Infinity;
  const within = gaps(times);
  const across = gaps(days).map((gap) => gap * DAY - last + first);
  return Math.max(...within, ...across) * 60;
}

function gaps(values: readonly number[]): number[] {
  return values.slice(1).map((value, index) => value - (values[index] ?? 0));
}

function isAny(field = '*'): boolean {
  return field === '*' || field === '*/1';
}

function numbers(field: string, low: number, high: number): number[] {
  return field.split(',').flatMap((item) => {
    const [range = '', step = '1'] = item.split('/');
    const [from, to] = range === '*' ? [low, high] : range.split('-').map(Number);
    const end = to ?? (item.includes('/') ? high : from);
    const size = Number(step);
    if (from === undefined || end === undefined || !(size > 0) || !(from <= end)) return [];
    return Array.from({ length: Math.floor((end - from) / size) + 1 }, (_, index) => from + index * size);
  });
}
