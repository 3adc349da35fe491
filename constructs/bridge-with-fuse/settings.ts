/** Lighthouse's server as metrics, traces and probes know it. */
export const BRIDGE = {
  /** Name in traces (`service.name`), and of its probes. */
  service: 'bridge',
  namespace: 'bridge',
  /** Container of the server. */
  container: 'bridge',
  /** Container that registers the declared experts. */
  experts: 'register-experts',
  /** Container that serves the file system. */
  fuse: 'fuse',
} as const;

/** When somebody is told: the limits that Lighthouse's own rules name, as far as they can be measured. */
export const BRIDGE_LIMITS = {
  /** Share of the server's memory. */
  memoryShare: 0.85,
  /** Size at which the live event log is rotated, bytes; the next rotation overwrites what this one kept. */
  eventLogBytes: 100_000_000,
} as const;

/** Where the server keeps its data. It refuses paths with /var/ in them. */
export const DATA = '/app/data';

/** User of its image, and so the owner of its files. */
export const UID = 1000;
