import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Attack, tryAttack } from '../../attacks/attack';
import { API_SERVER, NODE } from '../../attacks/cluster';
import { attacksOnNetwork } from '../../attacks/network';
import { pageOf } from '../../attacks/page';

const passes = { status: 0, stdout: '', stderr: '' };
const refused = (stderr: string) => ({ status: 1, stdout: '', stderr });

const attack: Attack = {
  name: 'somebody takes a key',
  means: 'a lock',
  refusal: /no key/,
  attempt: () => Promise.resolve(refused('no key at port 4711')),
  permitted: 'its owner takes it',
  control: () => Promise.resolve(passes),
};

const problemOf = async (own: Partial<Attack>) => (await tryAttack({ ...attack, ...own })).problem;

test('an attack is stopped where it is refused for its reason and its control passes', async () => {
  expect(await problemOf({})).toBeUndefined();
  expect(await problemOf({ attempt: () => Promise.resolve(passes) })).toBe('it succeeded');
  expect(await problemOf({ attempt: () => Promise.resolve(refused('no door')) })).toBe(
    'it was stopped by something else: no door',
  );
  expect(await problemOf({ control: () => Promise.resolve(refused('no owner')) })).toBe(
    'its control does not pass, so the attack proves nothing: no owner',
  );
});

test('the control is tried after the attack, so that it suffers from it', async () => {
  const order: string[] = [];
  await tryAttack({
    ...attack,
    attempt: () => (order.push('attack'), attack.attempt()),
    control: () => (order.push('control'), attack.control()),
  });
  expect(order).toEqual(['attack', 'control']);
});

test('the page keeps what was not tried, and says the same of the same', async () => {
  const tried = [{ where: API_SERVER.where, results: [await tryAttack(attack)] }];
  const other = pageOf('', [{ where: NODE, results: [await tryAttack({ ...attack, name: 'on a node' })] }]);
  const page = pageOf(other, tried);
  expect(page).toContain(
    '| somebody takes a key | a lock | refused: no key at port … | its owner takes it: passes |',
  );
  expect(page).toContain('| on a node | a lock |');
  expect(pageOf(page, tried)).toBe(page);
});

test('what only a node shows is on the page as it is in the code', () => {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'security', 'attacks.md'), 'utf8');
  const [, section = ''] = page.split(`## ${NODE}\n`);
  const names = section.split(/^## /m)[0]?.match(/^\| (?!attack|---)[^|]+/gm) ?? [];
  expect(names.map((name) => name.slice(2).trim())).toEqual(
    attacksOnNetwork(() => Promise.resolve(passes)).map(({ name }) => name),
  );
});
