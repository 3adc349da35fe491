import { Construct } from 'constructs';
import { Container, Probe, StatefulSet } from '../../imports/k8s';
import { objectName } from '../platform/names';
import { dataClaim, resources, RESTRICTED } from '../platform/pod';
import { parseQuantity } from '../platform/quantity';
import { EventBackup, EventLogBackup } from './event-backup';
import type { PodPart, Server } from './server';
import { BRIDGE_LIMITS, DATA, UID } from './settings';

/** Sessions, experts and events in the one process and on its volume, as release 1.0.0 has it. */
export interface LocalState {
  readonly kind: 'local';
  /** Size of the volume that events are kept on; at least ten times the size at which their log is rotated. */
  readonly storage: string;
  /** Class of the volume. */
  readonly storageClass: string;
  /**
   * Where copies of the event log go.
   * @default - nowhere: for tests only
   */
  readonly backup?: EventLogBackup;
}

/** Rotated logs are kept beside the live one, one tenth its size or so; less room than this is full in an afternoon. */
const LEAST_STORAGE = 10 * BRIDGE_LIMITS.eventLogBytes;

/**
 * One replica, for nobody else knows its sessions, experts and the numbers of its events: an update is a short stop. The log
 * of events is guarded: a rotated file is renamed before the next rotation would overwrite it.
 */
export function keepLocally(bridge: Construct, server: Server, state: LocalState): void {
  const { storage, storageClass, backup } = state;
  if (parseQuantity(storage) < LEAST_STORAGE) {
    throw new Error(`${bridge.node.path}: storage must be at least ${LEAST_STORAGE} bytes, got ${storage}`);
  }
  const { connections } = server;
  new StatefulSet(bridge, 'Resource', {
    spec: {
      serviceName: connections.serviceName,
      replicas: 1,
      // In order, a pod that never became ready would keep its own fix out.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: connections.labels },
      template: server.template(guarded(server.image)),
      volumeClaimTemplates: dataClaim(storage, storageClass),
    },
  });
  if (!backup) return;
  new EventBackup(bridge, 'Backup', {
    ...backup,
    beside: connections,
    claim: eventsClaim(objectName(bridge)),
    folderInClaim: 'events',
    uid: UID,
  });
}

/** The claim of the one pod's volume, by the bridge's name. */
export function eventsClaim(name: string): string {
  return `data-${name}-0`;
}

function guarded(image: string): PodPart {
  return {
    env: [{ name: 'LIGHTHOUSE_DATA_DIR', value: DATA }],
    mounts: [{ name: 'data', mountPath: DATA }],
    initContainers: [keeper('check', image), keeper('watch', image)],
    scripts: { 'keep-events.sh': {} },
  };
}

/** It says every second that it has looked; where it hangs, what is rotated next is lost. */
const LOOKING: Probe = {
  exec: { command: ['/bin/sh', '-c', 'test -n "$(find /tmp/keep-events -mmin -1)"'] },
  timeoutSeconds: 5,
  periodSeconds: 20,
};

/** Guards the log of events: once before the server starts, and beside it, from before its start to after its end. */
function keeper(task: 'check' | 'watch', image: string): Container {
  return {
    name: `${task}-events`,
    image,
    ...(task === 'watch' ? { restartPolicy: 'Always', livenessProbe: LOOKING } : {}),
    command: ['/bin/sh', '/config/keep-events.sh', task],
    env: [
      { name: 'EVENTS', value: `${DATA}/events` },
      { name: 'ASIDE', value: `${DATA}/set-aside` },
    ],
    securityContext: RESTRICTED,
    resources: resources({ cpu: '5m', memory: '32Mi' }),
    volumeMounts: [
      { name: 'data', mountPath: DATA },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'config', mountPath: '/config', readOnly: true },
    ],
  };
}
