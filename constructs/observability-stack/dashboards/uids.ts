/** Every dashboard by its uid: part of URLs, of links between dashboards, and of alerts; none of them ever changes. */
export const DASHBOARDS = {
  platform: 'Platform health',
  objectives: 'Objectives and error budgets',
  business: 'Business figures',
  bridge: 'Bridge',
  edge: 'Edge of the bridge',
  postgres: 'PostgreSQL',
  'redis-cache': 'Redis: cache',
  'redis-sessions': 'Redis: sessions',
  'object-storage': 'Object storage',
  'vector-database': 'Vector database',
  vault: 'Vault',
  logs: 'Logs',
  traces: 'Traces',
  capacity: 'Capacity and forecast',
  delivery: 'Delivery',
  recovery: 'Backups and recovery',
  monitoring: 'Monitoring itself',
} as const;

export type Uid = keyof typeof DASHBOARDS;
