import type { Manifest } from '../../constructs/platform/manifest';
import { calendarOf, type Step } from '../../guarantees/certificates/calendar';
import { verifyReal } from '../../guarantees/certificates/real';
import { renewals } from '../../guarantees/renewals';
import { object, platformOf } from './objects';
import { findingsOf } from './support';

const DAY = 86400;
const YEARS = 5 * 365 * DAY;

const certificate = (name: string, issuer: string, own: object, namespace = 'cert-manager'): Manifest =>
  object(
    'Certificate',
    name,
    { secretName: name, commonName: name, issuerRef: { kind: 'ClusterIssuer', name: issuer }, ...own },
    { metadata: { name, namespace } },
  );

const issuer = (name: string, own: object): Manifest =>
  object('ClusterIssuer', name, own, { metadata: { name } });

const LEAF = { duration: '2160h', renewBefore: '720h', privateKey: { rotationPolicy: 'Always' } };

const authority = (generations: readonly number[], issuing: number): Manifest[] => [
  issuer('self', { selfSigned: {} }),
  ...generations.flatMap((generation) => [
    certificate(`root-${generation}`, 'self', {
      isCA: true,
      duration: '87600h',
      renewBefore: '17520h',
      privateKey: { rotationPolicy: 'Never' },
    }),
    issuer(`root-${generation}`, { ca: { secretName: `root-${generation}` } }),
    certificate(`issuing-${generation}`, `root-${generation}`, {
      isCA: true,
      duration: '8760h',
      renewBefore: '2880h',
    }),
  ]),
  issuer('platform', { ca: { secretName: `issuing-${issuing}` } }),
  object('Bundle', 'trust', {
    sources: generations.map((generation) => ({ secret: { name: `root-${generation}`, key: 'tls.crt' } })),
  }),
];

const holder = (image: string, ...args: string[]): Manifest =>
  object(
    'Deployment',
    'server',
    {
      template: {
        spec: {
          containers: [{ name: 'main', image, args, volumeMounts: [{ name: 'tls', mountPath: '/tls' }] }],
          volumes: [{ name: 'tls', secret: { secretName: 'leaf' } }],
        },
      },
    },
    { metadata: { name: 'server', namespace: 'app' } },
  );

const step = (at: number, generations: readonly number[], issuing: number, leaf: object = LEAF): Step => ({
  at: at * DAY,
  platform: platformOf([
    ...authority(generations, issuing),
    certificate('leaf', 'platform', leaf, 'app'),
    holder('registry.example.com/grafana/loki:1.0.0'),
  ]),
});

const causes = (steps: readonly Step[]): string[] =>
  calendarOf(steps, YEARS).findings.map(({ cause }) => cause);

const ROTATION = [step(0, [1], 1), step(100, [1, 2], 1), step(102, [1, 2], 2), step(192, [2], 2)];

test('a root that is trusted first, issues later and is dropped last is trusted at every moment', () => {
  const { uses, findings } = calendarOf(ROTATION, YEARS);
  expect(findings).toEqual([]);
  // Every 60 days for five years.
  expect(uses).toHaveLength(31);
  const roots = uses.map(({ issue }) => issue.signer?.signer?.certificate.issuedFor.secretName);
  expect(new Set(roots)).toEqual(new Set(['root-1', 'root-2']));
});

test('a root that issues before everybody may trust it', () => {
  // The leaf is renewed on day 120.
  expect(causes([step(0, [1], 1), step(119.5, [1, 2], 2)])).toEqual([
    'Certificate app/leaf, issued 120 d from the beginning and in use until 180.1 d, goes back to root-2, which somebody does not have in their bundle meanwhile',
  ]);
});

test('a root that is dropped while a leaf of it is used', () => {
  expect(causes([...ROTATION.slice(0, 3), step(130, [2], 2)])).toEqual([]);
  expect(causes([step(0, [1, 2], 1), step(119, [1, 2], 2), step(119.9, [2], 2)])).toEqual([
    'Certificate app/leaf, issued 60 d from the beginning and in use until 120.1 d, goes back to root-1, which somebody does not have in their bundle meanwhile',
  ]);
});

test('a leaf that is renewed too late for whoever holds it', () => {
  const [first] = causes([step(0, [1], 1, { ...LEAF, renewBefore: '1m' })]);
  expect(first).toBe(
    'Certificate app/leaf, issued 0 s from the beginning, is still in use 60 s after its chain has ended',
  );
});

test('a program of which nobody knows that it takes a renewed certificate', () => {
  const holding = (...own: Parameters<typeof holder>) =>
    findingsOf(
      renewals,
      platformOf([...authority([1], 1), certificate('leaf', 'platform', LEAF, 'app'), holder(...own)]),
    ).map(({ cause }) => cause);
  const unknown =
    'Deployment app/server, container main holds Certificate app/leaf, and nothing says how it takes a renewed one';
  expect(holding('registry.example.com/team/app:1.0.0')).toEqual([unknown]);
  // Known, but without what it depends on.
  expect(holding('registry.example.com/prometheus/alertmanager:1.0.0')).toEqual([unknown]);
  expect(holding('registry.example.com/prometheus/alertmanager:1.0.0', '--web.config.file=/x')).toEqual([]);
});

test('openssl says the same of real certificates', () => {
  const verified = verifyReal(calendarOf(ROTATION, YEARS).uses.slice(0, 6), 1796083200);
  expect(verified).toHaveLength(6);
  for (const { first, last, after } of verified)
    expect({ first, last, after }).toEqual({ first: true, last: true, after: false });
});
