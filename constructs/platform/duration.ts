const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86400 };

/** A duration of the configuration: whole minutes, hours or days, as in `15m`, `6h` or `30d`. */
export const DURATION_PATTERN = '^[1-9][0-9]*[mhd]$';

/**
 * Seconds that a duration lasts.
 * @throws Error where the text is no duration
 */
export function parseDuration(text: string): number {
  const unit = SECONDS[text.slice(-1)];
  if (!new RegExp(DURATION_PATTERN).test(text) || unit === undefined) {
    throw new Error(`"${text}" is no duration; write whole minutes, hours or days, as in 15m, 6h or 30d`);
  }
  return Number(text.slice(0, -1)) * unit;
}

/** Whole days, rounded up. */
export function wholeDays(text: string): number {
  return Math.ceil(parseDuration(text) / 86400);
}
