import { join } from 'node:path';
import { applyAll, wavesOf } from '../acceptance/apply';
import { Cluster } from '../acceptance/cluster';
import { ControlPlane } from '../acceptance/control-plane';
import { customDefinitions } from '../acceptance/definitions';
import { prepare } from '../acceptance/prepare';
import { KUBERNETES_VERSION } from '../acceptance/programs';
import { loadEnvironment } from '../config/load';
import type { Environment } from '../config/schema';
import { readDist } from '../synth/dist';
import { attacksOnApi } from './api-server';
import type { Ground } from './attack';
import { attacksOnNetwork } from './network';

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';

/** Whose manifests are attacked where no cluster is given. */
const ENVIRONMENT = 'production';

/** A real API server with production's manifests, as they lie in dist/, and nothing that runs. */
export const API_SERVER: Ground = {
  where: `kube-apiserver ${KUBERNETES_VERSION.replace(/\.\d+$/, '')} with production applied`,
  open: async (tried) => {
    const environment = loadEnvironment(join(ROOT, 'config', `${ENVIRONMENT}.yaml`));
    const [place] = environment.clusters;
    if (!place) throw new Error(`${ENVIRONMENT} has no cluster`);
    const objects = readDist(join(ROOT, 'dist')).filter(
      (each) => each.environment === ENVIRONMENT && each.cluster === place.name,
    );
    if (objects.length === 0)
      throw new Error(`dist/${ENVIRONMENT}: there is no manifest; run \`npm run synth\` first`);
    const plane = await ControlPlane.start({ fakeNodes: true });
    try {
      const cluster = await Cluster.connect(plane.kubeconfig);
      try {
        await prepare(cluster, objects, place, customDefinitions());
        for (const wave of wavesOf(objects)) {
          const refused = (await applyAll(cluster, wave.objects)).find(
            ({ outcome }) => outcome === 'refused',
          );
          if (refused) throw new Error(`${refused.printed.manifest.metadata.name}: ${refused.message}`);
        }
        await tried(attacksOnApi((...args) => cluster.kubectl(...args), groupsOf(environment)));
      } finally {
        cluster.close();
      }
    } finally {
      await plane.stop();
    }
  },
};

/**
 * A cluster that has an environment applied.
 * @param isRunning whether its pods run, and its network enforces policies: then attacks come from within pods as well
 */
export const givenCluster = (
  kubeconfig: string,
  environment: Environment,
  isRunning: boolean,
): readonly Ground[] => {
  const onCluster =
    (attacks: (cluster: Cluster) => ReturnType<typeof attacksOnApi>): Ground['open'] =>
    async (tried) => {
      const cluster = await Cluster.connect(kubeconfig);
      await tried(attacks(cluster)).finally(() => cluster.close());
    };
  const groups = groupsOf(environment);
  return [
    {
      ...API_SERVER,
      open: onCluster((cluster) => attacksOnApi((...args) => cluster.kubectl(...args), groups)),
    },
    ...(isRunning
      ? [
          {
            where: NODE,
            open: onCluster((cluster) => attacksOnNetwork((...args) => cluster.kubectl(...args))),
          },
        ]
      : []),
  ];
};

/** Where pods run. */
export const NODE = 'pods on a node whose network enforces policies';

function groupsOf({ environment, access }: Environment) {
  if (!access) throw new Error(`${environment} has no access.groups`);
  return access.groups;
}
