import type { Guarantee } from './guarantee';

/** Every guarantee, in the order of the report. */
export const guarantees: readonly Guarantee[] = [];
