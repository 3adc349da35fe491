// Writes config/environment.schema.json, from which editors complete and check config/<environment>.yaml.
// With --check it writes nothing, and fails where the file is not what would be written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentSchema } from '../config/schema';

const file = join(__dirname, '..', 'config', 'environment.schema.json');

/**
 * Editors show `patternErrorMessage` where a pattern does not match; every other program ignores it. `discriminator` is ours: to
 * them, one of several shapes is one that fits.
 */
const forEditors = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { message, ...others } = value as { readonly message?: string };
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => key !== 'discriminator'));
  return message === undefined ? rest : { ...rest, patternErrorMessage: message };
};

const [option, ...others] = process.argv.slice(2);
const text = JSON.stringify(environmentSchema, forEditors, 2) + '\n';
if (option === '--help') {
  console.log('usage: npm run schema [-- --check]');
} else if (others.length > 0 || (option !== undefined && option !== '--check')) {
  console.error('usage: npm run schema [-- --check]');
  process.exitCode = 2;
} else if (option === undefined) {
  writeFileSync(file, text);
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error('config/environment.schema.json is stale: run `npm run schema`');
  process.exitCode = 1;
}
