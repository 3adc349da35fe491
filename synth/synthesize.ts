import { buildPlatform } from '../charts/platform';
import { environmentFiles, imagesFile, loadConfig } from '../config/load';
import { guarantees } from '../guarantees/all';
import { findingsAgainst, GuaranteeError } from '../guarantees/prove';
import { type Files, Memory } from './memory';
import { printPlatform } from './print';

/**
 * Everything that a folder of configuration is printed as.
 * @param program what says which program this is: what it printed before is remembered; made anew without
 * @throws ConfigError, GuaranteeError with everything that is wrong
 */
export function synthesize(config: string, program?: string): Files {
  const memory = new Memory(process.env['LIGHTHOUSE_ROOT'] ?? '.', program, imagesFile(config));
  const sources = environmentFiles(config).map((file) => ({ file, known: memory.recall(file) }));
  const changed = sources.filter(({ known }) => known === undefined).map(({ file }) => file);
  const made = changed.length > 0 ? make(config, changed) : new Map<string, Files>();
  for (const [file, files] of made) memory.keep(file, files);
  return new Map(sources.flatMap(({ file, known }) => [...(known ?? made.get(file) ?? [])]));
}

/** What each of some environments' files is printed as. */
function make(config: string, sources: readonly string[]): Map<string, Files> {
  const { images, environments } = loadConfig(config, sources);
  const findings: string[] = [];
  const made = environments.map((environment) => {
    const files = new Map<string, string>();
    for (const cluster of environment.clusters) {
      // One at a time: what is kept of a hundred clusters is their text.
      const platform = buildPlatform(environment, cluster, images);
      findings.push(...findingsAgainst(platform, guarantees));
      for (const [file, text] of printPlatform(platform)) files.set(file, text);
    }
    return files;
  });
  if (findings.length > 0) throw new GuaranteeError(findings);
  return new Map(sources.map((source, index) => [source, made[index] ?? new Map()]));
}
