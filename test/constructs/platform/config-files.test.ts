import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigFiles, Holes } from '../../../constructs/platform/config-files';
import { find, manifestsOf, platformWith } from '../../support';

describe('payload files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'payload-'));

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Each text gets a file of its own: templates are read once. */
  let count = 0;
  const render = (text: string, holes: Holes) => {
    const file = `file-${(count += 1)}.conf`;
    writeFileSync(join(folder, file), text);
    let name = '';
    const platform = platformWith(({ namespaces }) => {
      name = new ConfigFiles(namespaces.add('a'), 'Config', folder, { [file]: holes }).name;
    });
    return { name, file, manifest: find(manifestsOf(platform), 'ConfigMap', name) };
  };

  test('holes are filled, everything else stays', () => {
    const { manifest, file } = render('max @SIZE@\nmail me@home.org @SIZE@\n', { SIZE: '5mb' });
    expect(manifest['data']).toEqual({ [file]: 'max 5mb\nmail me@home.org 5mb\n' });
  });

  test('a missing value is refused, with the values there are', () => {
    expect(() => render('@SIZE@ @COUNT@', { SIZE: 1 })).toThrow('no value for @COUNT@; values given: SIZE');
  });

  test('an unused value is refused', () => {
    expect(() => render('nothing', { SIZE: 1 })).toThrow('no hole for SIZE');
  });

  test('a missing file is refused', () => {
    expect(() =>
      platformWith(({ namespaces }) => new ConfigFiles(namespaces.add('a'), 'C', folder, { 'no.conf': {} })),
    ).toThrow(/no\.conf/);
  });

  test('the ConfigMap is immutable and its name follows its content', () => {
    const [one, same, other] = ['1', '1', '2'].map((value) => render('x @V@', { V: value }));
    expect(one?.manifest['immutable']).toBe(true);
    // The key is part of the content, and these files differ in name only where the value is the same.
    expect(one?.name).toMatch(/^config-[0-9a-f]{10}$/);
    expect(other?.name).not.toBe(one?.name);
    expect(same?.name).not.toBe(other?.name);
  });
});
