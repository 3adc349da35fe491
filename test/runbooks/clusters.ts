import { join } from 'node:path';
import { buildPlatform } from '../../charts/platform';
import type { Images } from '../../config/images';
import { loadConfig } from '../../config/load';
import type { Platform } from '../../synth/platform';
import { PLATFORMS } from '../charts/support';

/** Every cluster of the shipped configuration, and production's first with a Lighthouse that keeps its state outside. */
export const CLUSTERS: readonly Platform[] = [...PLATFORMS.map(([, platform]) => platform), scaled()];

function scaled(): Platform {
  const { environments, images } = loadConfig(join(__dirname, '../../config'));
  const environment = environments.find((each) => each.environment === 'production');
  const [cluster] = environment?.clusters ?? [];
  if (!environment || !cluster) throw new Error('there is no production');
  const { cpu, memory } = environment.bridge;
  const newer: Images = (name) =>
    name === 'bridge' ? 'registry.example.com/lighthouse/bridge:2.0.0' : images(name);
  const bridge = {
    ...{ state: 'external' as const, cpu, memory, replicas: 5, delivery: 'blue-green' as const },
    autoscaling: { minReplicas: 5, maxReplicas: 20 },
  };
  return buildPlatform({ ...environment, bridge }, cluster, newer);
}
