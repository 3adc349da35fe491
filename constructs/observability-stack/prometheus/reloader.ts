import type { Container } from '../../../imports/k8s';
import { resources } from '../../platform/pod';

/** The default of the operator's own flags (cmd/operator/main.go); its chart hands out nothing at all. */
const SIZE = resources({ cpu: '10m', memory: '50Mi' });

/** Where it says that it lives: with the certificate of the program beside it. */
const ALIVE = {
  httpGet: { path: '/healthz', port: 'reloader-web', scheme: 'HTTPS' as const },
  timeoutSeconds: 5,
};

/**
 * What the operator's container, which lets the program read a changed configuration again, needs beyond what the operator
 * gives it; the resource decides, so that it is the same under an operator that was there before.
 */
export const RELOADER: Container = {
  name: 'config-reloader',
  resources: SIZE,
  readinessProbe: ALIVE,
  livenessProbe: { ...ALIVE, periodSeconds: 30 },
};

/** The same program, which writes the configuration before the first start. */
export const FIRST_RELOADER: Container = { name: 'init-config-reloader', resources: SIZE };
