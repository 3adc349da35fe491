/** Users of a group that is tried, each with a password. */
export const USERS = ['replication', 'sentinel', 'probe', 'exporter', 'bridge'];

export function password(user: string): string {
  return `secret-of-${user}`;
}
