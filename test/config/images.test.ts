import { type ImageName, IMAGE_NAMES, loadImages } from '../../config/images';
import { marked, problemsOf } from './support';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const valid = IMAGE_NAMES.map(
  (name) => `${name}: { image: docker.io/library/${name.toLowerCase()}, tag: 1.2.3 }\n`,
).join('');

const expectProblems = (from: string, to: string, ...messages: readonly string[]) => {
  expect(valid).toContain(from);
  const { text, positions } = marked(valid.replace(from, to));
  const expected = messages.map((message, i) => `images.yaml:${positions[i] ?? 'unmarked'} ${message}`);
  expect(problemsOf('images.yaml', text, loadImages)).toEqual(expected);
};

test.each(IMAGE_NAMES)('%s is shipped with an exact tag', (name) => {
  expect(loadImages('config/images.yaml')(name)).toMatch(
    /^[^\s:]+:[^\s:]+$|^[^\s:]+:[^\s:]+@sha256:[0-9a-f]{64}$/,
  );
});

test('a valid file has no problems', () => {
  expectProblems('redis', 'redis');
});

test('an unknown name says which may be meant', () => {
  const images = loadImages('config/images.yaml');
  expect(() => images('rediss' as ImageName)).toThrow(
    'there is no image "rediss" in config/images.yaml; did you mean "redis"?',
  );
  expect(() => images('__proto__' as ImageName)).toThrow(
    'there is no image "__proto__" in config/images.yaml',
  );
});

const TAG = 'must be an exact tag such as 8.8.0-alpine, not one that moves such as latest or 8';
const IMAGE = 'must be registry and repository such as docker.io/library/redis, the tag apart';

test.each([
  ['latest', `${TAG}, got "latest"`],
  ['latest-1.2.3', `${TAG}, got "latest-1.2.3"`],
  ['alpine', `${TAG}, got "alpine"`],
  ["'8'", `${TAG}, got "8"`],
  ['1.2', `${TAG}, got the number 1.2; quote it`],
  ["'1.2 3'", `${TAG}, got "1.2 3"`],
])('tag %s is refused', (tag, message) => {
  expectProblems('library/redis, tag: 1.2.3', `library/redis, tag: ‸${tag}`, `redis.tag: ${message}`);
});

test.each([
  'redis',
  'library/redis',
  'docker.io/library/redis:8.8',
  'docker.io/Library/redis',
  'https://docker.io/redis',
])('image %s is refused', (image) => {
  expectProblems('docker.io/library/redis', `‸"${image}"`, `redis.image: ${IMAGE}, got "${image}"`);
});

test('a digest is part of the reference', () => {
  let reference = '';
  const text = valid.replace('tag: 1.2.3 }', `tag: 1.2.3, digest: '${DIGEST}' }`);
  problemsOf('images.yaml', text, (file) => {
    reference = loadImages(file)('redis');
  });
  expect(reference).toBe(`docker.io/library/redis:1.2.3@${DIGEST}`);
});

test('a digest that is none is refused', () => {
  expectProblems(
    'library/redis, tag: 1.2.3',
    'library/redis, tag: 1.2.3, digest: ‸sha256:abc',
    'redis.digest: must be sha256: and 64 hexadecimal digits, got "sha256:abc"',
  );
});

test('a tag must be there', () => {
  expectProblems(
    'redis: { image: docker.io/library/redis, tag: 1.2.3 }',
    '‸redis: { image: docker.io/library/redis }',
    'redis.tag: is missing',
  );
});

test('a name that nothing uses is refused, and one that something uses must be there', () => {
  expectProblems(
    'redis: {',
    '‸‸reddis: {',
    'redis: is missing',
    'reddis: unknown key; did you mean "redis"?',
  );
});
