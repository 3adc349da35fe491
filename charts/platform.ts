import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'cdk8s';
import { IMAGE_NAMES, Images } from '../config/images';
import type { Cluster, Environment } from '../config/schema';
import { Platform, readPlatform } from '../synth/platform';
import { access } from './access';
import { admission } from './admission';
import { automation } from './automation';
import { bootstrap } from './bootstrap';
import { foundation } from './foundation';
import { mesh } from './mesh';
import { operations } from './operations';
import type { PhaseChart } from './phase-chart';
import { reading } from './reading';
import { recommendations } from './recommendations';
import { validation } from './validation';

/** Where the runbook of each alert lies. */
const RUNBOOKS = join(__dirname, '..', 'docs', 'runbooks');

/** Builds one cluster of an environment: all its phases, in the order in which they are synced. */
export function buildPlatform(environment: Environment, cluster: Cluster, images: Images): Platform {
  const app = new App();
  const ground = foundation(app, environment, cluster, images);
  access(ground, reading(ground));
  admission(ground);
  const lighthouse = automation(app, ground);
  const phases: [PhaseChart, ...PhaseChart[]] = [
    ground.chart,
    lighthouse.chart,
    operations(app, ground, lighthouse),
    validation(app, ground),
  ];
  if (cluster.verticalPodAutoscaler) recommendations(phases);
  const meshed = environment.mesh ? mesh(phases) : undefined;
  bootstrap(app, environment, cluster, phases, meshed);
  return {
    ...readPlatform(app, environment, cluster),
    images: new Set(IMAGE_NAMES.map(images)),
    runbooks: new Set(existsSync(RUNBOOKS) ? readdirSync(RUNBOOKS) : []),
  };
}
