import { imageReference } from '../constructs/platform/image';
import { containersOf } from '../constructs/platform/workloads';
import { inventoryOf } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import { identityOf } from '../synth/references';
import { grouped, listed, type Section, sortedRows } from './section';

/** Where an image's program comes from, and under which licence its source is. */
interface Origin {
  readonly source: string;
  /** As the repository's licence file says it, or, with a `?`, as the project is known: that file was not read. */
  readonly licence: string;
}

const APACHE = 'Apache-2.0 ?';

/** Images by repository, with the licence files of their sources; operators' images come with their charts. */
const ORIGINS: Readonly<Record<string, Origin>> = {
  'docker.io/library/redis': {
    source: 'github.com/redis/redis',
    licence: 'RSALv2, SSPLv1 or AGPL-3.0 (the last since 8 ?), as one chooses',
  },
  'docker.io/oliver006/redis_exporter': { source: 'github.com/oliver006/redis_exporter', licence: 'MIT ?' },
  'docker.io/library/haproxy': { source: 'git.haproxy.org', licence: 'GPL-2.0, its headers LGPL' },
  'ghcr.io/cloudnative-pg/postgresql': {
    source: 'github.com/cloudnative-pg/postgres-containers',
    licence: 'Apache-2.0 ?; PostgreSQL itself: PostgreSQL ?',
  },
  'ghcr.io/cloudnative-pg/pgbouncer': {
    source: 'github.com/cloudnative-pg/pgbouncer-containers',
    licence: 'Apache-2.0 ?; PgBouncer itself: ISC',
  },
  'quay.io/minio/minio': { source: 'github.com/minio/minio (archived)', licence: 'AGPL-3.0 ?' },
  'quay.io/minio/mc': { source: 'github.com/minio/mc (archived)', licence: 'AGPL-3.0 ?' },
  'docker.io/chrislusf/seaweedfs': { source: 'github.com/seaweedfs/seaweedfs', licence: 'Apache-2.0' },
  'docker.io/amazon/aws-cli': { source: 'github.com/aws/aws-cli', licence: APACHE },
  'cr.weaviate.io/semitechnologies/weaviate': {
    source: 'github.com/weaviate/weaviate',
    licence: 'BSD-3-Clause; its folder wl, which nothing here turns on: Weaviate’s own',
  },
  'docker.io/semitechnologies/transformers-inference': {
    source: 'github.com/weaviate/t2v-transformers-models',
    licence: 'BSD-3-Clause; the model: Apache-2.0 ?',
  },
  'docker.io/curlimages/curl': { source: 'github.com/curl/curl-container', licence: 'curl ?' },
  'docker.io/library/python': { source: 'github.com/python/cpython', licence: 'PSF-2.0 ?' },
  'quay.io/prometheus/prometheus': { source: 'github.com/prometheus/prometheus', licence: APACHE },
  'quay.io/prometheus/alertmanager': { source: 'github.com/prometheus/alertmanager', licence: APACHE },
  'quay.io/prometheus/blackbox-exporter': {
    source: 'github.com/prometheus/blackbox_exporter',
    licence: APACHE,
  },
  'quay.io/prometheus/node-exporter': { source: 'github.com/prometheus/node_exporter', licence: APACHE },
  'registry.k8s.io/kube-state-metrics/kube-state-metrics': {
    source: 'github.com/kubernetes/kube-state-metrics',
    licence: APACHE,
  },
  'docker.io/grafana/grafana': { source: 'github.com/grafana/grafana', licence: 'AGPL-3.0 ?' },
  'docker.io/grafana/loki': { source: 'github.com/grafana/loki', licence: 'AGPL-3.0 ?' },
  'docker.io/grafana/tempo': { source: 'github.com/grafana/tempo', licence: 'AGPL-3.0 ?' },
  'docker.io/otel/opentelemetry-collector-contrib': {
    source: 'github.com/open-telemetry/opentelemetry-collector-contrib',
    licence: APACHE,
  },
  'docker.io/hashicorp/vault': { source: 'github.com/hashicorp/vault', licence: 'BUSL-1.1 ?' },
};

const OWN: Origin = {
  source: 'images/ of this repository, with SBOM, provenance and signature where its workflow built it',
  licence: 'Lighthouse: MIT; the rest: Apache-2.0',
};

/** Every image that runs, with the objects whose pods have it. */
export function imagesIn(platform: Platform): Map<string, string[]> {
  const uses = inventoryOf(platform).pods.flatMap(({ object, workload }) =>
    workload.pod
      ? containersOf(workload.pod).map(({ image = '' }) => ({ image, by: identityOf(object.manifest) }))
      : [],
  );
  const named = platform.objects.flatMap(({ manifest }) => {
    const image = (manifest['spec'] as { imageName?: unknown } | undefined)?.imageName;
    return typeof image === 'string' ? [{ image, by: identityOf(manifest) }] : [];
  });
  const all = [...uses, ...named].filter(({ image }) => image !== '');
  return new Map(
    [...grouped(all, ({ image }) => image)].map(([image, users]) => [image, users.map(({ by }) => by)]),
  );
}

export function imagesOf(platform: Platform): Section {
  const rows = [...imagesIn(platform)].map(([image, users]) => {
    const { repository, tag, digest = 'not locked yet' } = imageReference(image);
    const own = repository.includes('/lighthouse/') ? OWN : undefined;
    const { source, licence } = ORIGINS[repository] ??
      own ?? { source: 'not looked up', licence: 'not looked up' };
    const namespaces = users.map((user) => user.split('/')[1] ?? '');
    return [repository, tag, digest, listed(namespaces), source, licence];
  });
  return {
    title: 'Images',
    text: 'What runs, by exact tag, and by digest once somebody resolved one into `config/images.yaml`. The licence is that of the program’s source (`?`: as the project is known, its licence file was not read); what else an image carries is for its own bill of materials to say.',
    columns: ['image', 'tag', 'digest', 'namespaces', 'source', 'licence'],
    rows: sortedRows(rows),
  };
}
