import type { Manifest } from '../../constructs/platform/manifest';
import { rotation } from '../../guarantees/rotation';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import { platformWith } from '../support';
import { object, platformOf } from './objects';
import { causesOf, findingsOf } from './support';

const certificate = (name: string, own: Partial<CertificateSpec>, namespace = 'cert-manager'): Manifest =>
  object(
    'Certificate',
    name,
    {
      secretName: name,
      duration: '240h',
      renewBefore: '80h',
      issuerRef: { kind: 'ClusterIssuer', name: 'self' },
      ...own,
    },
    { metadata: { name, namespace } },
  );

const issuer = (name: string, own: object): Manifest =>
  object('ClusterIssuer', name, own, { metadata: { name } });

const root = (generation = 1, own: Partial<CertificateSpec> = {}) =>
  certificate(`root-${generation}`, {
    isCA: true,
    duration: '87600h',
    renewBefore: '17520h',
    privateKey: { rotationPolicy: 'Never' },
    ...own,
  });

const issuing = (own: Partial<CertificateSpec> = {}) =>
  certificate('issuing', {
    isCA: true,
    duration: '8760h',
    renewBefore: '2880h',
    issuerRef: { kind: 'ClusterIssuer', name: 'root-1' },
    ...own,
  });

const leaf = (own: Partial<CertificateSpec> = {}) =>
  certificate(
    'leaf',
    { duration: '2160h', renewBefore: '720h', issuerRef: { kind: 'ClusterIssuer', name: 'issuer' }, ...own },
    'app',
  );

const bundle = (...names: string[]) =>
  object(
    'Bundle',
    'trust',
    { sources: names.map((name) => ({ secret: { name, key: 'tls.crt' } })) },
    { metadata: { name: 'trust' } },
  );

const ISSUERS = [
  issuer('self', { selfSigned: {} }),
  issuer('root-1', { ca: { secretName: 'root-1' } }),
  issuer('issuer', { ca: { secretName: 'issuing' } }),
];

const platform = (...own: Manifest[]) => platformOf([...ISSUERS, ...own]);

test("the platform's own authority is no finding", () => {
  const own = platformWith(() => undefined);

  expect(findingsOf(rotation, own)).toEqual([]);
});

test('a chain that nobody outlives and everybody trusts is no finding', () => {
  const sound = platform(root(), issuing(), leaf(), bundle('root-1'));

  expect(findingsOf(rotation, sound)).toEqual([]);
  expect(rotation.check(sound).facts).toEqual([
    { subject: 'certificates', figure: '3, roots 1' },
    { subject: 'longest lifetime of a leaf', figure: '90 d' },
    { subject: 'trusted roots', figure: 'root-1' },
  ]);
});

test('a certificate that may outlive its signer is found', () => {
  expect(
    findingsOf(rotation, platform(root(), issuing({ renewBefore: '2159h' }), leaf(), bundle('root-1'))),
  ).toEqual([
    {
      path: 'Certificate/leaf',
      cause:
        'Certificate app/leaf lives 90 d, its signer Certificate cert-manager/issuing is renewed 90 d before its end: it may outlive its signer by 60 min',
      remedy:
        'write a duration of at most 2159h, or a longer renewBefore for Certificate cert-manager/issuing',
    },
  ]);
  expect(
    causesOf(rotation, platform(root(1, { renewBefore: '8759h' }), issuing(), leaf(), bundle('root-1'))),
  ).toEqual([
    'Certificate cert-manager/issuing lives 365 d, its signer Certificate cert-manager/root-1 is renewed 365 d before its end: it may outlive its signer by 60 min',
  ]);
});

test('lifetimes that are not stated are those of cert-manager', () => {
  const silent = leaf({ duration: undefined, renewBefore: undefined });

  expect(
    findingsOf(rotation, platform(root(), issuing({ renewBefore: '2160h' }), silent, bundle('root-1'))),
  ).toEqual([]);
  expect(
    causesOf(rotation, platform(root(), issuing({ renewBefore: '2159h59m' }), silent, bundle('root-1'))),
  ).toHaveLength(1);
});

test.each([
  [
    '90h',
    '90h',
    'Certificate app/leaf lives 3.8 d and is renewed 3.8 d before its end: again and again from its first moment',
  ],
  ['90h', '1h30m30s', undefined],
  ['90h', '0s', 'Certificate app/leaf lives 3.8 d and is renewed 0 s before its end: too late'],
])('a life of %s, renewed %s before its end', (duration, renewBefore, cause) => {
  const causes = causesOf(
    rotation,
    platform(root(), issuing(), leaf({ duration, renewBefore }), bundle('root-1')),
  );

  expect(causes).toEqual(cause === undefined ? [] : [cause]);
});

test('a certificate whose root nobody trusts is found', () => {
  expect(
    findingsOf(
      rotation,
      platformOf(
        [...ISSUERS, root(), issuing(), leaf(), bundle('root-0')],
        {},
        { certificateAuthority: { generations: [], issuing: 1 } },
      ),
    ),
  ).toEqual([
    {
      path: 'Certificate/leaf',
      cause:
        'Certificate app/leaf goes back to Certificate cert-manager/root-1, whose Secret root-1 is in no trust bundle: nobody believes it',
      remedy:
        'add the root to the sources of the Bundle, or have the platform authority issue the certificate',
    },
  ]);
  const lone = leaf({ issuerRef: { kind: 'ClusterIssuer', name: 'self' } });
  expect(causesOf(rotation, platform(root(), lone, bundle('root-1')))).toEqual([
    'Certificate app/leaf goes back to Certificate app/leaf, whose Secret leaf is in no trust bundle: nobody believes it',
  ]);
});

test("an issuer of a namespace signs with that namespace's Secret", () => {
  const own = object('Issuer', 'own', { ca: { secretName: 'issuing' } });
  const signed = leaf({ issuerRef: { name: 'own' } });
  const here = certificate(
    'issuing',
    {
      isCA: true,
      duration: '3000h',
      renewBefore: '10h',
      issuerRef: { kind: 'ClusterIssuer', name: 'root-1' },
    },
    'app',
  );

  expect(causesOf(rotation, platform(root(), own, here, signed, bundle('root-1')))).toEqual([
    'Certificate app/leaf lives 90 d, its signer Certificate app/issuing is renewed 10 h before its end: it may outlive its signer by 89.6 d',
  ]);
});

test.each(['Always' as const, undefined])('a root that gets a new key (%s) is found', (rotationPolicy) => {
  const renewed = root(1, { privateKey: rotationPolicy === undefined ? {} : { rotationPolicy } });

  expect(findingsOf(rotation, platform(renewed, issuing(), leaf(), bundle('root-1')))).toEqual([
    {
      path: 'Certificate/root-1',
      cause:
        'root Certificate cert-manager/root-1 gets a new key when it is renewed: everything it signed is refused from that moment',
      remedy: 'write privateKey.rotationPolicy: Never, and add a new generation for a new key',
    },
  ]);
});

test('a generation that is configured stays trusted', () => {
  const generations = (...trusted: string[]) =>
    platformOf(
      [...ISSUERS, root(1), root(2), issuing(), leaf(), bundle(...trusted)],
      {},
      {
        certificateAuthority: { generations: [1, 2], issuing: 1 },
      },
    );

  expect(findingsOf(rotation, generations('root-1', 'root-2'))).toEqual([]);
  expect(findingsOf(rotation, generations('root-1'))).toEqual([
    {
      path: 'Certificate/root-1',
      cause:
        'generation 2 of certificateAuthority.generations has no root in the trust bundle, which has root-1',
      remedy: 'keep its root until the last certificate below it has run out',
    },
  ]);
});
