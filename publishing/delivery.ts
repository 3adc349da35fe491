import { loadConfig } from '../config/load';
import type { Environment } from '../config/schema';

/**
 * The branch that the configuration's environments are delivered from.
 * @throws ConfigError; Error where they name several branches or repositories
 */
export function configuredBranch(config: string): string {
  const { environments } = loadConfig(config);
  const branch = agreed(environments, 'branch');
  agreed(environments, 'repository');
  return branch;
}

/** One publication is one commit on one branch: otherwise some environments would be ahead of others. */
function agreed(environments: readonly Environment[], field: 'branch' | 'repository'): string {
  const values = [...new Set(environments.map(({ delivery }) => delivery[field]))];
  const [value = ''] = values;
  if (values.length === 1) return value;
  const said = environments
    .map(({ environment, delivery }) => `${environment} ${delivery[field]}`)
    .join(', ');
  throw new Error(
    `delivery.${field}: all environments are published together and must name one, got ${said}`,
  );
}
