/** Bytes for people: `512Mi`, `1.5Gi`. */
export function bytes(amount: number): string {
  const gibibytes = amount / 2 ** 30;
  return gibibytes < 1 ? `${Math.ceil(amount / 2 ** 20)}Mi` : `${Number(gibibytes.toFixed(1))}Gi`;
}

/** Cores for people: `250m`, `1.5`. */
export function cores(amount: number): string {
  return amount < 1 ? `${Math.ceil(Number((amount * 1000).toFixed(6)))}m` : String(Number(amount.toFixed(2)));
}

/** A part of a whole in whole percent, rounded up. */
export function percent(part: number, whole: number): string {
  return `${Math.ceil((part / whole) * 100 - 1e-9)} %`;
}

/** Seconds for people: `40 s`, `6 min`, `2.5 h`, `90 d`, rounded up. */
export function time(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'without end';
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  if (seconds < 7200) return `${Math.ceil(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.ceil(seconds / 360) / 10} h`;
  return `${Math.ceil(seconds / 8640) / 10} d`;
}
