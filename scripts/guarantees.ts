import { parseArgs } from 'node:util';
import { buildPlatform } from '../charts/platform';
import { loadConfig } from '../config/load';
import { guarantees } from '../guarantees/all';
import { describe, type Proof, proofsOf } from '../guarantees/prove';
import type { Platform } from '../synth/platform';
import { columns } from './columns';
import { runCommand } from './command';

const USAGE = `usage: npm run guarantees [-- OPTION ...]

Holds every cluster of every environment against every guarantee, and writes nothing. Exit status 1 where there is a
finding.

  --report       also print what was proved, with its figures
  --json         print everything as one JSON document
  --config DIR   folder with the environment files and images.yaml (default: config)
  --help         show this`;

function main(): number {
  const { values } = parseArgs({
    options: {
      report: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      config: { type: 'string', default: 'config' },
    },
  });
  const { images, environments } = loadConfig(values.config);
  const platforms = environments.flatMap((environment) =>
    environment.clusters.map((cluster) => buildPlatform(environment, cluster, images)),
  );
  const proofs = proofsOf(guarantees, platforms);
  const findings = proofs.flatMap((proof) => proof.findings.map((finding) => describe(proof, finding)));
  if (values.json) {
    console.log(JSON.stringify(documentOf(platforms, proofs), null, 2));
  } else {
    const sections = values.report ? platforms.map((platform) => section(platform, proofs)) : [];
    console.log([...sections, summary(platforms, proofs)].join('\n\n'));
    if (findings.length > 0) console.error(`\n${findings.join('\n')}`);
  }
  return findings.length > 0 ? 1 : 0;
}

function nameOf({ environment, cluster }: Platform): string {
  return `${environment.environment}/${cluster.name}`;
}

/** Everything for machines: clusters, and what each guarantee proved and found there. */
function documentOf(platforms: readonly Platform[], proofs: readonly Proof[]): unknown {
  return {
    clusters: platforms.map((platform) => ({
      environment: platform.environment.environment,
      cluster: platform.cluster.name,
      objects: platform.objects.length,
      guarantees: of(platform, proofs).map(({ guarantee, findings, facts }) => ({
        guarantee,
        findings,
        facts,
      })),
    })),
    findings: proofs.reduce((sum, proof) => sum + proof.findings.length, 0),
  };
}

function of(platform: Platform, proofs: readonly Proof[]): Proof[] {
  return proofs.filter((proof) => proof.platform === platform);
}

/** What was proved of one cluster, a guarantee at a time. */
function section(platform: Platform, proofs: readonly Proof[]): string {
  const own = of(platform, proofs);
  const width = Math.max(0, ...own.flatMap(({ facts }) => facts.map(({ subject }) => subject.length)));
  const { cluster } = platform;
  const { count, cpu, memory } = cluster.nodes;
  const title = `${nameOf(platform)}: ${platform.objects.length} objects, ${cluster.role}, ${cluster.zones.length} zone(s), ${count} node(s) of ${cpu} cores and ${memory}`;
  const blocks = own.map(({ guarantee, facts, findings }) =>
    [
      `  ${guarantee}: ${findings.length === 0 ? 'holds' : `${findings.length} finding(s)`}`,
      ...facts.map(({ subject, figure }) => `    ${subject.padEnd(width)}  ${figure}`),
    ].join('\n'),
  );
  return [title, '='.repeat(title.length), ...blocks].join('\n');
}

/** One line a cluster, and what it comes to. */
function summary(platforms: readonly Platform[], proofs: readonly Proof[]): string {
  const rows = platforms.map((platform) => {
    const own = of(platform, proofs);
    const broken = own.filter(({ findings }) => findings.length > 0);
    return [
      nameOf(platform),
      String(platform.objects.length),
      `${own.length - broken.length} of ${own.length}`,
      String(broken.reduce((sum, { findings }) => sum + findings.length, 0)),
      broken.map(({ guarantee }) => guarantee).join(', '),
    ];
  });
  const objects = platforms.reduce((sum, platform) => sum + platform.objects.length, 0);
  const findings = proofs.reduce((sum, proof) => sum + proof.findings.length, 0);
  return [
    columns([['cluster', 'objects', 'hold', 'findings', ''], ...rows], (column) =>
      column === 0 || column === 4 ? 'left' : 'right',
    ),
    `${platforms.length} cluster(s), ${objects} objects, ${guarantees.length} guarantees: ${findings === 0 ? 'all hold' : `${findings} finding(s)`}`,
  ].join('\n');
}

runCommand(USAGE, main);
