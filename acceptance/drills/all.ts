import type { Smoke } from '../smoke/all';
import { fireAlerts } from './alerts';
import { drain } from './drain';
import { deleteEveryPod } from './every-pod';
import { restartObjectStorage } from './object-storage-restart';
import { killPrimary } from './postgres-primary';
import { killMaster } from './redis-master';
import { rotateCertificates } from './rotation';

/** Failures that a platform must survive, each with its time. They interrupt service. */
export const DRILLS: readonly Smoke[] = [
  { subject: 'PostgreSQL', run: killPrimary },
  { subject: 'Redis', run: killMaster },
  { subject: 'object storage', run: restartObjectStorage },
  { subject: 'certificates', run: rotateCertificates },
  { subject: 'alerts', run: fireAlerts },
  { subject: 'every pod deleted', run: deleteEveryPod },
  { subject: 'every pod evicted', run: drain },
];
