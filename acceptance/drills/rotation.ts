import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import { holdersOf } from '../../guarantees/certificates/holders';
import { KUBELET } from '../../guarantees/certificates/programs';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type { Cluster } from '../cluster';
import { connectedAt } from '../place';
import { certificateFor, withCertificate } from '../smoke/certificate';
import { imageWith, type Trial } from '../trial';
import { appendingDuring } from './appending';
import { until } from './drill';
import { endpointsIn, type Seen, Watch } from './watch';

/** Seconds that a new certificate is waited for in a Secret. */
const ISSUE_SECONDS = 120;

/** Seconds that it is waited for at a port. Who may take longer, by what is known of its program, is told of. */
const PATIENCE = 480;

/** A certificate of a program, by its object. */
interface Leaf {
  readonly object: Manifest;
  readonly name: string;
  /** Seconds within which all who hold it show a new one. */
  readonly within: number;
}

/**
 * Renews every certificate at once, and then again after the authority that signs them, as `docs/guides/certificates.md` has a
 * person do. Meanwhile every port that shows one is connected to each second and must be trusted, connections are kept,
 * and events are appended.
 */
export async function rotateCertificates(trial: Trial): Promise<void> {
  const { cluster, manifests } = trial;
  const namespace = manifests.find(({ kind }) => kind === 'Prometheus')?.metadata.namespace;
  if (namespace === undefined) return;
  const endpoints = endpointsIn(manifests);
  const client = 'client-of-all';
  const standing = {
    ...{ name: client, namespace, image: imageWith('python3', manifests), memory: '96Mi', trust: true },
    secrets: { '/tls': client },
  };
  const goals = endpoints.map(({ goal }) => goal);
  const rotated = async (): Promise<string> => {
    await withCertificate(cluster, { certificate: certificateFor(manifests, client, namespace) }, () =>
      connectedAt(cluster, standing, goals, async (place) => {
        const before = await Watch.start(place, endpoints);
        const shown = await shownBy(cluster, leavesIn(manifests), await before.seen());
        await before.stop();
        for (const { what, first } of [
          { what: 'every certificate renewed', first: [] },
          { what: 'the authority renewed, then every certificate', first: signersIn(manifests) },
        ]) {
          const watch = await Watch.start(place, endpoints);
          await appendingDuring(trial, what, () => round(trial, watch, { what, first, shown }));
          await watch.stop();
        }
      }),
    );
    return `${endpoints.length} ports were watched`;
  };
  await trial.recorder.check('certificates', 'rotated by hand', rotated);
}

/** The ports at which each certificate is shown; those that are only shown to others have none. */
type Shown = ReadonlyMap<Leaf, readonly string[]>;

interface Round {
  readonly what: string;
  /** What is renewed before the leaves. */
  readonly first: readonly Manifest[];
  readonly shown: Shown;
}

async function round(trial: Trial, watch: Watch, { what, first, shown }: Round): Promise<void> {
  const { cluster, recorder } = trial;
  for (const object of [...first, ...[...shown.keys()].map((leaf) => leaf.object)])
    await renewed(cluster, object);
  const end = (within: number): number => performance.now() + Math.min(PATIENCE, within + KUBELET) * 1000;
  await Promise.all(
    [...shown]
      .filter(([, ports]) => ports.length > 0)
      .map(([leaf, ports]) =>
        recorder.check('certificates', `${leaf.name}: ${what}`, () =>
          taken(cluster, watch, leaf, { ports, end: end(leaf.within) }),
        ),
      ),
  );
}

/** @throws Error where a port shows a certificate that lies nowhere any more: nothing could be said of it */
async function shownBy(
  cluster: Cluster,
  leaves: readonly Leaf[],
  seen: ReadonlyMap<string, Seen>,
): Promise<Shown> {
  const shown = new Map<Leaf, readonly string[]>();
  for (const leaf of leaves) {
    const serial = await serialOf(cluster, leaf.object);
    shown.set(
      leaf,
      [...seen].filter(([, each]) => same(each.serial, serial)).map(([port]) => port),
    );
  }
  const known = new Set([...shown.values()].flat());
  const unknown = [...seen].filter(([port, { serial }]) => serial !== '' && !known.has(port));
  if (unknown.length > 0)
    throw new Error(
      `${unknown.map(([port]) => port).join(', ')} shows a certificate that was renewed and is not taken yet: wait, or restart its pods`,
    );
  return shown;
}

/** Waits until every port shows the new one; says what connections noticed. */
async function taken(
  cluster: Cluster,
  watch: Watch,
  { object, within }: Leaf,
  { ports, end }: { readonly ports: readonly string[]; readonly end: number },
): Promise<string> {
  const start = performance.now();
  const serial = await serialOf(cluster, object);
  const behind = async (): Promise<string[]> => {
    const seen = await watch.seen();
    return ports.filter((port) => !same(seen.get(port)?.serial ?? '', serial));
  };
  let late = await behind();
  while (late.length > 0 && performance.now() < end) {
    await sleep(1000);
    late = await behind();
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (late.length > 0 && within <= PATIENCE)
    throw new Error(`${late.join(', ')} shows the former one after ${seconds} s`);
  const seen = await watch.seen();
  return [
    late.length > 0
      ? `not shown after ${seconds} s, and need not be before ${within} s`
      : `shown after ${seconds} s`,
    ...ports.map((port) => noticed(port, seen.get(port))),
  ].join('; ');
}

/** @throws Error where the port showed what the platform's roots did not sign */
function noticed(port: string, seen: Seen | undefined): string {
  if (!seen) throw new Error(`${port} was not watched`);
  const { untrusted, answers, cuts, longest } = seen;
  if (untrusted !== '') throw new Error(`${port} is not trusted: ${untrusted}`);
  const kept = answers === 0 ? '' : cuts === 0 ? ` kept, ${answers} answers,` : ` cut ${cuts} times,`;
  return `${port.replace('.svc.cluster.local', '')}${kept} longest wait ${longest} s`;
}

function leavesIn(manifests: readonly Manifest[]): Leaf[] {
  const objects = manifests.map((manifest) => ({ manifest }));
  return manifests
    .filter((manifest) => manifest.kind === 'Certificate' && !issuedFor(manifest).isCA)
    .map((object) => {
      const { namespace, name } = object.metadata;
      const holders = holdersOf({ object: { manifest: object }, issuedFor: issuedFor(object) }, { objects });
      const times = holders.map(({ program }) => program?.leaf.within ?? 0);
      return { object, name: `${namespace}/${name}`, within: Math.max(0, ...times) };
    });
}

/** The authorities that sign them: below the roots, which take three publications. */
function signersIn(manifests: readonly Manifest[]): Manifest[] {
  const used = new Set(
    manifests
      .filter(({ kind }) => kind === 'Certificate')
      .map((manifest) => issuedFor(manifest))
      .filter(({ isCA }) => !isCA)
      .map(({ issuerRef }) => issuerRef.name),
  );
  const secrets = manifests
    .filter(({ kind, metadata }) => kind.endsWith('Issuer') && used.has(metadata.name))
    .map((issuer) => spec<{ ca?: { secretName: string } }>(issuer).ca?.secretName);
  return manifests.filter(
    (manifest) => manifest.kind === 'Certificate' && secrets.includes(issuedFor(manifest).secretName),
  );
}

const issuedFor = (certificate: Manifest): CertificateSpec => spec<CertificateSpec>(certificate);

/** Asks for a renewal as `cmctl renew` does, and waits for it. */
async function renewed(cluster: Cluster, certificate: Manifest): Promise<void> {
  const former = await serialOf(cluster, certificate);
  const condition = {
    ...{ type: 'Issuing', status: 'True', reason: 'ManuallyTriggered', message: 'acceptance' },
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  await cluster.request('PATCH', `${await cluster.pathOf(certificate)}/status`, {
    body: [{ op: 'add', path: '/status/conditions/-', value: condition }],
    contentType: 'application/json-patch+json',
  });
  const { namespace, name } = certificate.metadata;
  await until(
    `${namespace}/${name} is issued again`,
    async () => !same(await serialOf(cluster, certificate), former),
    ISSUE_SECONDS,
  );
}

/** Of the certificate that lies in the Secret. */
async function serialOf(cluster: Cluster, certificate: Manifest): Promise<string> {
  const { namespace = '' } = certificate.metadata;
  const name = issuedFor(certificate).secretName;
  const secret = await cluster.get({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } });
  const text = (secret?.['data'] as Readonly<Record<string, string>> | undefined)?.['tls.crt'];
  if (text === undefined) throw new Error(`Secret ${namespace}/${name} has no tls.crt`);
  return new X509Certificate(Buffer.from(text, 'base64')).serialNumber;
}

/** Programs differ in zeros at the beginning. */
const same = (one: string, other: string): boolean => BigInt(`0x${one || 0}`) === BigInt(`0x${other || 0}`);
