import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Memory } from '../../synth/memory';

describe('remembering what environments were printed as', () => {
  let root: string;
  let images: string;
  let environment: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'memory-'));
    images = join(root, 'images.yaml');
    environment = join(root, 'production.yaml');
    mkdirSync(join(root, 'constructs', 'a'), { recursive: true });
    writeFileSync(images, 'redis: 1');
    writeFileSync(environment, 'a: 1');
    writeFileSync(join(root, 'constructs', 'a', 'a.conf'), 'x');
    mkdirSync(join(root, 'docs', 'runbooks'), { recursive: true });
    writeFileSync(join(root, 'docs', 'runbooks', 'ServiceDown.md'), '# ServiceDown');
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const FILES = new Map([['a/b.yaml', 'x: 1\n']]);
  const memory = (program: string | undefined = 'program') => new Memory(root, program, images);
  const slots = () => readdirSync(join(root, '.cache', 'synth'));

  test('what did not change is known', () => {
    expect(memory().recall(environment)).toBeUndefined();
    memory().keep(environment, FILES);
    expect(memory().recall(environment)).toEqual(FILES);
  });

  test.each<[string, () => void]>([
    ['the environment', () => writeFileSync(environment, 'a: 2')],
    ['the images', () => writeFileSync(images, 'redis: 2')],
    ['a payload file', () => writeFileSync(join(root, 'constructs', 'a', 'a.conf'), 'y')],
    ['a new payload file', () => writeFileSync(join(root, 'constructs', 'a', 'b.conf'), '')],
    ['a payload file that is gone', () => rmSync(join(root, 'constructs', 'a', 'a.conf'))],
    ['a runbook that is gone', () => rmSync(join(root, 'docs', 'runbooks', 'ServiceDown.md'))],
    ['images that are gone', () => rmSync(images)],
  ])('%s makes it unknown', (_, change) => {
    memory().keep(environment, FILES);
    change();
    expect(memory().recall(environment)).toBeUndefined();
  });

  test('another program does not know it, and no program remembers nothing', () => {
    memory().keep(environment, FILES);
    expect(memory('another').recall(environment)).toBeUndefined();
    const none = new Memory(root, undefined, images);
    expect(none.recall(environment)).toBeUndefined();
    none.keep(join(root, 'staging.yaml'), FILES);
    expect(slots()).toHaveLength(1);
  });

  test('two environments of equal content are two', () => {
    const other = join(root, 'staging.yaml');
    writeFileSync(other, 'a: 1');
    memory().keep(environment, FILES);
    expect(memory().recall(other)).toBeUndefined();
  });

  test('a result that was cut off is unknown', () => {
    memory().keep(environment, FILES);
    for (const slot of slots()) writeFileSync(join(root, '.cache', 'synth', slot), '{"key":"');
    expect(memory().recall(environment)).toBeUndefined();
  });

  test('no place to remember in is no error', () => {
    writeFileSync(join(root, '.cache'), 'a file in the way');
    memory().keep(environment, FILES);
    expect(memory().recall(environment)).toBeUndefined();
  });

  test('the oldest are forgotten', () => {
    const all = Array.from({ length: 40 }, (_, index) => join(root, `${index}.yaml`));
    for (const file of all) memory().keep(file, FILES);
    expect(slots()).toHaveLength(32);
  });
});
