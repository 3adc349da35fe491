/** What the edge lets through: everything; what only reads; nothing but `/health`. */
export const MODES = ['normal', 'read-only', 'fail-closed'] as const;
