import type { Environment } from '../config/schema';
import type { Platform } from '../synth/platform';
import { benchmarksOf } from './benchmarks';
import { certificatesOf } from './certificates';
import { endpointsOf } from './endpoints';
import { imagesOf } from './images';
import { table } from './markdown';
import { pathsOf } from './paths';
import { policiesOf } from './policies';
import { privilegesOf } from './privileges';
import { rolesOf } from './roles';
import { secretsOf } from './secrets';
import type { Section } from './section';

/** What is told of a platform, in the order of the report. */
const PARTS: readonly ((platform: Platform) => Section)[] = [
  benchmarksOf,
  privilegesOf,
  endpointsOf,
  pathsOf,
  secretsOf,
  certificatesOf,
  imagesOf,
  rolesOf,
  policiesOf,
];

/** Everything that an auditor asks about one cluster. */
export interface ClusterReport {
  readonly cluster: string;
  readonly sections: readonly Section[];
}

export function reportOn(platform: Platform): ClusterReport {
  return { cluster: platform.cluster.name, sections: PARTS.map((part) => part(platform)) };
}

/** Controls of the benchmarks that fail on a cluster: neither passed nor excepted for a reason. */
export function failuresIn({ sections }: ClusterReport): string[] {
  return sections.flatMap(({ columns, rows }) => {
    const verdict = columns.indexOf('verdict');
    return verdict < 0 ? [] : rows.filter((row) => row[verdict] === 'fails').map((row) => row.join(', '));
  });
}

/** The report as a page of Markdown. */
export function pageOf(name: Environment['environment'], clusters: readonly ClusterReport[]): string {
  const parts = clusters.flatMap(({ cluster, sections }) => [
    `## Cluster ${cluster}`,
    ...sections.flatMap(({ title, text, columns, rows, pictures = [] }) => [
      `### ${title}`,
      text,
      rows.length === 0 ? 'None.' : table(columns, rows),
      ...pictures.flatMap((picture) => [
        `#### ${picture.title}`,
        `\`\`\`mermaid\n${picture.mermaid}\n\`\`\``,
      ]),
    ]),
  ]);
  const head = `# Audit of ${name}

What the manifests of ${name} say, read by \`npm run audit\` from the synthesized platform and written here by it: do not edit.
No value of a secret is known to it. What happens on a running platform is shown by \`npm run e2e\` and \`npm run attacks\`.`;
  return `${[head, ...parts].join('\n\n')}\n`;
}
