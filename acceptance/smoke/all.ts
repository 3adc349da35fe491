import type { Trial } from '../trial';
import { tryConnections } from './connections';
import { tryFileSystem } from './file-system';
import { tryEdge } from './edge';
import { tryObjectStorage } from './object-storage';
import { tryObservability } from './observability';
import { tryPostgres } from './postgres';
import { tryRedis } from './redis';
import { tryVectorDatabase } from './vector-database';

/** Something that is tried on a running platform; each thing it tries is a check of its own. */
export interface Smoke {
  readonly subject: string;
  readonly run: (trial: Trial) => Promise<void>;
}

/** What every platform that is up must do, service by service, and what it must refuse. */
export const SMOKES: readonly Smoke[] = [
  { subject: 'PostgreSQL', run: tryPostgres },
  { subject: 'Redis', run: tryRedis },
  { subject: 'object storage', run: tryObjectStorage },
  { subject: 'vector database', run: tryVectorDatabase },
  { subject: 'file system', run: tryFileSystem },
  { subject: 'edge', run: tryEdge },
  { subject: 'observability', run: tryObservability },
  { subject: 'network', run: tryConnections },
];
