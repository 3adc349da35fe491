/**
 * What the edge lets through: everything, until appends fail, which makes it read-only; everything, whatever fails; what only
 * reads; nothing but `/health`.
 */
export const MODES = ['normal', 'open', 'read-only', 'fail-closed'] as const;
