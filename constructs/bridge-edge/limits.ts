/** What is let through, and how long it may take. All figures are per pod of the edge; a client stays with one. */
export interface EdgeLimits {
  /** Connections at a time, of all clients. */
  readonly connections: number;
  /** Connections at a time, of one client address. */
  readonly clientConnections: number;
  /** Requests of one client address in 10 s. */
  readonly clientRequests: number;
  /** Requests of one agent in 10 s. */
  readonly agentRequests: number;
  /** New sessions (`/session/create`) of one client address in a minute. */
  readonly sessions: number;
  /** Requests of all clients together in 10 s, of each route that `routes` does not name. */
  readonly routeRequests: number;
  /** The same for single routes, by the names of `routes.map`. */
  readonly routes: Readonly<Record<string, number>>;
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Most pods of the bridge there may be: as many as its autoscaler makes. */
  readonly servers: number;
  /** Requests at a time in one pod of the bridge. */
  readonly inFlight: number;
  /** WebSockets at a time in one pod of the bridge. */
  readonly sockets: number;
  /** Requests that may wait for a pod of the bridge. */
  readonly queue: number;
  /** Seconds that one may wait. */
  readonly queueSeconds: number;
  /** Errors in a row after which a pod of the bridge is left alone. */
  readonly errors: number;
  /** Seconds between looks at a pod that is left alone; two good ones and it is back. */
  readonly openSeconds: number;
  /** Seconds in which a pod that comes back gets its full share. */
  readonly slowStartSeconds: number;
  /**
   * Appends in 10 s that fail, from which on the edge is read-only where they are more than half of all; more than one agent can
   * ask for, or one agent could end the writing of all.
   */
  readonly writeFailures: number;
  /** Failed requests of a route in 10 s from which on none is tried again. */
  readonly retryFailures: number;
  /** Seconds for a client to send headers, and again to send the body. */
  readonly slowSeconds: number;
  /** Seconds that a connection may be idle on the client's side. */
  readonly clientSeconds: number;
  /** Seconds that the bridge may take. */
  readonly serverSeconds: number;
  /** Seconds that a WebSocket may be silent in both directions. */
  readonly tunnelSeconds: number;
}

/** Defaults, each with where its number comes from. */
export const EDGE_LIMITS: EdgeLimits = {
  // Lighthouse's own rule warns at 800 active connections.
  connections: 1000,
  // A host of agents, each with a socket and a few requests.
  clientConnections: 100,
  // Ten busy agents behind one address.
  clientRequests: 1000,
  // The bridge refuses a session that averages over 100 validations a minute; this is six times that, for bursts.
  agentRequests: 100,
  // An agent needs one; a host of agents that restarts needs as many at once.
  sessions: 30,
  // A bridge of one process validates some 1,000 times a second.
  routeRequests: 10_000,
  // Its declared target is 10,000 events a second.
  routes: { 'event-store': 100_000, 'session-create': 1000 },
  // Events of 1 MB, with their JSON around.
  bodyBytes: 2_097_152,
  servers: 1,
  // One process answers one after the other: more at a time only wait there instead of here.
  inFlight: 100,
  sockets: 1000,
  // At 1,000 a second, what is done within half the time one may wait for a validation (300 ms).
  queue: 150,
  queueSeconds: 2,
  errors: 10,
  openSeconds: 3,
  slowStartSeconds: 10,
  // One more than an agent's requests.
  writeFailures: 101,
  retryFailures: 20,
  slowSeconds: 10,
  clientSeconds: 30,
  serverSeconds: 30,
  tunnelSeconds: 3600,
};
