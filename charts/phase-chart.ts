import { ApiObject, App, Chart } from 'cdk8s';
import { objectsIn } from '../constructs/platform/manifest';
import { objectName } from '../constructs/platform/names';

/** The phases of a cluster, in the order in which Argo CD syncs them. */
export const PHASES = ['bootstrap', 'foundation', 'automation', 'operations', 'validation'] as const;

export type Phase = (typeof PHASES)[number];

/** One phase of one cluster: a folder of `dist/` and an Argo CD Application. */
export class PhaseChart extends Chart {
  constructor(
    app: App,
    readonly phase: Phase,
  ) {
    super(app, phase, { disableResourceNameHashes: true });
  }

  /** API groups of the objects that are in it so far. */
  get apiGroups(): string[] {
    return objectsIn(this).map(({ apiGroup }) => apiGroup);
  }

  /** Names are public contract (hosts, volumes, kubectl): stable, short, without hash. */
  override generateObjectName(object: ApiObject): string {
    return objectName(object);
  }
}
