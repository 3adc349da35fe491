import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checker } from './check';
import {
  ConfigError,
  ConfigFile,
  type Finding,
  type Path,
  readOrRefuse,
  relativePath,
  show,
} from './document';
import { type Images, loadImages } from './images';
import { rules } from './rules';
import { type Environment, environmentSchema } from './schema';

const check = checker(environmentSchema);

/**
 * Reads one environment.
 * @throws ConfigError with all that is wrong with it
 */
export function loadEnvironment(file: string): Environment {
  const config = new ConfigFile(file);
  const malformed = check(config.value);
  // Where the schema has nothing against a section, it has the type that the schema gives it.
  const environment = config.value as Environment;
  const isSound = (section: keyof Environment): boolean =>
    malformed.every(({ path, isExtra }) => isExtra || (path.length > 0 && path[0] !== section));
  config.refuse([
    ...malformed,
    ...(isSound('environment') ? nameFindings(environment, basename(file, '.yaml')) : []),
    ...Object.values(rules)
      .filter(({ reads }) => reads.every(isSound))
      .flatMap((rule) => rule.check(environment)),
  ]);
  return environment;
}

/** All that a folder of configuration says. */
export interface Config {
  readonly images: Images;
  /** In the order of file names. */
  readonly environments: readonly Environment[];
}

/**
 * Reads a folder: its images.yaml, and environments.
 * @param files the environments' files; all there are, if nothing else is said
 * @throws ConfigError with all that is wrong with any of them
 */
export function loadConfig(folder: string, files?: readonly string[]): Config {
  const problems: string[] = [];
  const images = attempt(() => loadImages(imagesFile(folder)), problems);
  const environments = attempt(() => loadEnvironments(files ?? environmentFiles(folder)), problems);
  if (!images || !environments) throw new ConfigError(problems);
  return { images, environments };
}

/**
 * Reads environments.
 * @throws ConfigError with all that is wrong with any of them
 */
export function loadEnvironments(files: readonly string[]): Environment[] {
  const problems: string[] = [];
  const environments = files.flatMap((file) => attempt(() => loadEnvironment(file), problems) ?? []);
  if (problems.length > 0) throw new ConfigError(problems);
  return environments;
}

/** The file with a folder's images. */
export function imagesFile(folder: string): string {
  return join(folder, 'images.yaml');
}

/**
 * The files of a folder's environments, in the order of their names.
 * @throws ConfigError where there is none
 */
export function environmentFiles(folder: string): string[] {
  const files = readOrRefuse(folder, (path) => readdirSync(path))
    .filter((file) => file.endsWith('.yaml') && file !== basename(imagesFile(folder)))
    .toSorted();
  if (files.length === 0)
    throw new ConfigError([`${relativePath(folder)}: there is no environment, such as production.yaml`]);
  return files.map((file) => join(folder, file));
}

/** What is read; where something is wrong with it, nothing, and the problems grow. */
function attempt<T>(read: () => T, problems: string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

const nameFindings = ({ environment }: Environment, name: string): readonly Finding[] => {
  const path: Path = ['environment'];
  const message = `must be ${show(name)}, as the file is called, got ${show(environment)}`;
  return environment === name ? [] : [{ path, message }];
};
