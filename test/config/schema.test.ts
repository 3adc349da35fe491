import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { environmentSchema } from '../../config/schema';
import { sample } from './support';

const EDITORS = 'config/environment.schema.json';
const schemaCommand = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/run.mjs', 'scripts/schema.ts', ...args], { encoding: 'utf8' });

test('the schema is one', () => {
  const ajv = new Ajv({ strict: true, strictRequired: true, discriminator: true, keywords: ['message'] });
  expect(() => ajv.compile(environmentSchema)).not.toThrow();
});

test('the schema of editors is current', () => {
  const { status, stderr } = schemaCommand('--check');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('the schema of editors is draft 7 and takes the samples', () => {
  const schema = JSON.parse(readFileSync(EDITORS, 'utf8')) as object;
  const validate = new Ajv({ keywords: ['patternErrorMessage'] }).compile(schema);
  expect(schema).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' });
  expect(validate(parse(sample('production.yaml')))).toBe(true);
  expect(validate({})).toBe(false);
});

test.each(['development', 'staging', 'production'])('%s.yaml names its schema to editors', (name) => {
  expect(readFileSync(`config/${name}.yaml`, 'utf8')).toMatch(
    /^# yaml-language-server: \$schema=environment\.schema\.json\n/,
  );
});

test('the command refuses what it does not know', () => {
  const { status, stderr } = schemaCommand('--chekc');
  expect({ status, stderr }).toEqual({ status: 2, stderr: 'usage: npm run schema [-- --check]\n' });
});
