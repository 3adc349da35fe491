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
    malformed.every(({ path, at }) => at === 'key' || (path.length > 0 && path[0] !== section));
  config.refuse([
    ...malformed,
    ...(isSound('environment') ? nameFindings(environment, basename(file, '.yaml')) : []),
    ...Object.values(rules)
      .filter(({ reads }) => reads.every(isSound))
      .flatMap((rule) => rule.check(environment)),
  ]);
  return environment;
}

/**
 * Reads every environment of a folder, in the order of file names. The folder's images.yaml is none.
 * @throws ConfigError with all that is wrong with any of them
 */
export function loadEnvironments(folder: string): Environment[] {
  const files = readOrRefuse(folder, (path) => readdirSync(path))
    .filter((file) => file.endsWith('.yaml') && file !== 'images.yaml')
    .toSorted();
  if (files.length === 0)
    throw new ConfigError([`${relativePath(folder)}: there is no environment, such as production.yaml`]);
  const problems: string[] = [];
  const environments = files.flatMap((file) => {
    try {
      return [loadEnvironment(join(folder, file))];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return environments;
}

const nameFindings = ({ environment }: Environment, name: string): readonly Finding[] => {
  const path: Path = ['environment'];
  const message = `must be ${show(name)}, as the file is called, got ${show(environment)}`;
  return environment === name ? [] : [{ path, message }];
};
