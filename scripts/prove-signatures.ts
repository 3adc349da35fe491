import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { applyAll, wavesOf } from '../acceptance/apply';
import { Cluster, type Live } from '../acceptance/cluster';
import { ControlPlane } from '../acceptance/control-plane';
import { customDefinitions } from '../acceptance/definitions';
import { prepare } from '../acceptance/prepare';
import { findPrograms } from '../acceptance/programs';
import { isGood, Recorder, summaryOf } from '../acceptance/report';
import { Sandbox } from '../acceptance/sandbox';
import { podOf } from '../acceptance/templates';
import { buildPlatform } from '../charts/platform';
import { loadImages } from '../config/images';
import { loadEnvironment } from '../config/load';
import { BREAK_GLASS } from '../constructs/access';
import { signaturesOf } from '../constructs/image-signatures';
import type { Manifest } from '../constructs/platform/manifest';
import { OPERATORS } from '../constructs/platform-operators/operators';
import type { PodSpec } from '../imports/k8s';
import type { Printed } from '../synth/dist';
import { runCommand } from './command';
import { Asker, imageOf, refusedBy } from './signatures/asker';
import { definitions, type Format, Kyverno, Registry, until } from './signatures/stand';

const USAGE = `usage: npm run prove:signatures

Asks for production's pods with signed and unsigned images of Lighthouse: a real API server, Kyverno beside it, cosign and a
registry, all on loopback and gone afterwards; nothing runs. Signatures of other keys and of other images, a tag that
moves, a key that is taken away, a container for debugging; registry and Kyverno gone. Takes two minutes, and once the time to
build Kubernetes, Kyverno and cosign (20 to 30 minutes). Exit status 1 where something failed.

  --help           this text`;

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';
const ENVIRONMENT = 'production';

/** Production's primary cluster with Lighthouse's images in a registry of its own, which must be signed. */
function platformOf(registry: Registry, publicKeys: readonly string[]) {
  const environment = loadEnvironment(join(ROOT, 'config', `${ENVIRONMENT}.yaml`));
  const shipped = loadImages(join(ROOT, 'config', 'images.yaml'));
  const place = environment.clusters.find(({ role }) => role === 'primary');
  if (!place) throw new Error(`${ENVIRONMENT} has no primary cluster`);
  const login = { secretStore: 'platform', secretPath: 'lighthouse/registry' };
  const signatures = { images: ['bridge' as const], publicKeys: [...publicKeys], login };
  const { objects } = buildPlatform({ ...environment, signatures }, place, (name) =>
    name === 'bridge' ? `${registry.repository('bridge')}:1.0.0` : shipped(name),
  );
  const printed: Printed[] = objects.map(({ phase, manifest }) => ({
    ...{ file: '', environment: ENVIRONMENT, cluster: place.name },
    ...{ phase, manifest },
  }));
  // Nothing needs to run: there are no nodes.
  return { printed, place: { ...place, nodes: { ...place.nodes, count: 0 } } };
}

function same(actual: unknown, expected: unknown): string {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, got ${String(actual)}`);
  return String(actual);
}

interface Ground {
  readonly cluster: Cluster;
  readonly registry: Registry;
  readonly kyverno: Kyverno;
  readonly keys: Readonly<Record<'own' | 'next' | 'foreign', string>>;
}

const SIGNATURES = signaturesOf('bridge');

const BY_POLICY = new RegExp(`${SIGNATURES}.*(signed with a key of the platform|failed signature)`, 's');

async function prove(recorder: Recorder, { cluster, registry, kyverno, keys }: Ground): Promise<void> {
  const step = (name: string, what: () => Promise<string>) => recorder.check('signatures', name, what);
  const repository = registry.repository('bridge');
  const { printed } = platformOf(registry, [keys.own]);
  const manifests = printed.map(({ manifest }) => manifest);
  const named = (kind: string, name: string): Manifest => {
    const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
    if (!found) throw new Error(`${ENVIRONMENT} has no ${kind} ${name}`);
    return found;
  };
  const bridge = named('StatefulSet', 'bridge');
  const pod = podOf(bridge);
  const other = podOf(named('StatefulSet', 'vault-members'));
  if (!pod || !other) throw new Error('there is no pod');
  const member = { ...pod, metadata: { namespace: 'bridge', name: 'bridge-0' } };
  const theMember = async (): Promise<Live> => {
    const found = await cluster.get(member);
    if (!found) throw new Error('there is no pod');
    return found;
  };
  const asker = new Asker(cluster, pod);
  const others = new Asker(cluster, other);
  const digests = new Map<string, string>();
  const push = async (tag: string, key?: string, format: Format = 'tag'): Promise<string> => {
    const image = `${repository}:${tag}`;
    const digest = await registry.push(image, `${tag} of ${digests.size}`);
    digests.set(tag, digest);
    if (key !== undefined) await registry.sign(`${repository}@${digest}`, key, format);
    return image;
  };
  const signed = await push('1.0.0', 'own');
  const unsigned = await push('1.0.1');

  await step('the policy is understood, and production is applied', async () => {
    for (const wave of wavesOf(printed)) {
      const refused = (await applyAll(cluster, wave.objects)).find(({ outcome }) => outcome === 'refused');
      if (refused) throw new Error(`${refused.printed.manifest.metadata.name}: ${refused.message}`);
    }
    await until('it is asked', async () => (await asker.refusal(unsigned)).includes(SIGNATURES));
    return `${printed.length} objects`;
  });
  await step('without a login to the registry nothing is let through', () =>
    asker.refused(/UNAUTHORIZED|401/, signed),
  );
  // By external-secrets, that is not here.
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/dockerconfigjson',
    metadata: { name: 'image-registry', namespace: OPERATORS.kyverno.namespace },
    stringData: { '.dockerconfigjson': registry.login },
  });
  await until('Kyverno has read the login', async () => BY_POLICY.test(await asker.refusal(unsigned)));
  await step('an image that nobody signed is refused', () => asker.refused(BY_POLICY, unsigned));
  await step('a signed image is let through, and pinned to what was signed', async () =>
    same(imageOf(await asker.ask(signed)), `${signed}@${digests.get('1.0.0')}`),
  );
  await step('the same by its digest', async () => {
    const image = `${repository}@${digests.get('1.0.0')}`;
    return same(imageOf(await asker.ask(image)), image);
  });
  await step('a signature as a bundle counts as well', async () => {
    const image = await push('1.0.2', 'own', 'bundle');
    return same(imageOf(await asker.ask(image)), `${image}@${digests.get('1.0.2')}`);
  });
  // A keyless signature has a certificate, and the workflow of images makes one beside that by its key.
  for (const [format, key] of [
    ['tag', 'foreign'],
    ['bundle', 'foreign'],
    ['certificate', 'certified'],
  ] as const) {
    await step(`a signature by another key is refused (${format})`, async () =>
      asker.refused(BY_POLICY, await push(`1.1.${format.length}`, key, format)),
    );
    await step(`a signature by another key beside it does no harm (${format})`, async () => {
      const tag = `1.5.${format.length}`;
      const image = await push(tag, key, format);
      const digest = digests.get(tag) ?? '';
      await registry.sign(`${repository}@${digest}`, 'own', format === 'tag' ? 'tag' : 'bundle');
      return same(imageOf(await asker.ask(image)), `${image}@${digest}`);
    });
  }
  await step('a signature of another image is refused', async () => {
    const image = await push('1.2.0');
    const signature = (tag: string): string =>
      `${repository}:${(digests.get(tag) ?? '').replace(':', '-')}.sig`;
    await registry.copy(signature('1.0.0'), signature('1.2.0'));
    return asker.refused(BY_POLICY, image);
  });
  await step('a signature whose tag leads to another image is refused', async () => {
    const image = await push('1.3.0', 'own');
    await asker.ask(image);
    await push('1.3.0');
    return asker.refused(BY_POLICY, image);
  });
  await step('an unsigned image in an init container is refused', () =>
    asker.refused(BY_POLICY, signed, ({ containers, ...spec }) => ({
      ...spec,
      containers: containers.slice(0, 1),
      initContainers: containers.slice(0, 1).map(({ resources, securityContext }) => ({
        ...{ name: 'first', image: unsigned },
        ...{ resources, securityContext },
      })),
    })),
  );
  await step('an unsigned image of that repository is refused in every namespace', () =>
    others.refused(BY_POLICY, unsigned),
  );
  await step('other images are nobody’s business', async () =>
    same(imageOf(await others.ask(imageOf(other))), imageOf(other)),
  );
  await step('a pod from before the policy takes no container for debugging', async () => {
    await until('there is a pod', async () => (await cluster.get(member)) !== undefined);
    const there = await theMember();
    same(imageOf(there), signed);
    return refusedBy(/./, await asker.debugging(there, signed));
  });
  await step('what makes it stays as it was printed; the next one that it makes is pinned', async () => {
    const { spec } = ((await cluster.get(bridge)) ?? {}) as { spec?: { template: { spec: PodSpec } } };
    same(spec?.template.spec.containers[0]?.image, signed);
    const before = await theMember();
    await cluster.remove(before);
    await until('there is another pod', async () => (await theMember()).metadata.uid !== before.metadata.uid);
    return same(imageOf(await theMember()), `${signed}@${digests.get('1.0.0')}`);
  });
  await step('a container for debugging of an unsigned image is refused', async () => {
    same(await asker.debugging(await theMember(), signed), '');
    // By Kyverno's word or, beside an image that the pod has more than once, by its silence.
    return refusedBy(new RegExp(SIGNATURES), await asker.debugging(await theMember(), unsigned));
  });
  await step('a second key counts beside the first, and no longer when it is taken away', async () => {
    const image = await push('1.4.0', 'next');
    const first = named('ImageValidatingPolicy', SIGNATURES);
    const both = platformOf(registry, [keys.own, keys.next]).printed.find(
      ({ manifest }) => manifest.kind === 'ImageValidatingPolicy',
    );
    if (!both) throw new Error('there is no policy');
    await asker.refused(BY_POLICY, image);
    await cluster.apply(both.manifest);
    await until('the second counts', async () => imageOf(await asker.ask(image)) !== '');
    await asker.ask(signed);
    await cluster.apply(first);
    await until('the second counts no longer', async () => BY_POLICY.test(await asker.refusal(image)));
    return same(imageOf(await asker.ask(signed)), `${signed}@${digests.get('1.0.0')}`);
  });
  await step('whoever broke the glass may look with what nobody signed', async () => {
    const glass = ['--as', `system:serviceaccount:access:${BREAK_GLASS}`];
    const { status, stdout, stderr } = await cluster.kubectl(
      ['create', '--dry-run=server', ...glass, '-f', '-'],
      JSON.stringify(asker.podWith(unsigned)),
    );
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  });
  await step('without the policy nobody is asked any more', async () => {
    const policy = named('ImageValidatingPolicy', SIGNATURES);
    await cluster.remove(policy);
    await until('an unsigned image is let through', async () => (await asker.refusal(unsigned)) === '');
    await cluster.apply(policy);
    await until('it is asked again', async () => BY_POLICY.test(await asker.refusal(unsigned)));
    return unsigned;
  });
  recorder.count('MiB of Kyverno', kyverno.resident);
  await step('without the registry its images are refused, others are not', async () => {
    await registry.close();
    const said = await asker.refused(/connection refused/, signed);
    await others.ask(imageOf(other));
    await registry.open();
    await asker.ask(signed);
    return said;
  });
  await step('without Kyverno its images are refused, others are not', async () => {
    kyverno.stop();
    const said = await asker.refused(/failed calling webhook/, signed);
    await others.ask(imageOf(other));
    return said;
  });
  await step('nor can the policy be applied then, whatever else can', async () => {
    const policy = named('ImageValidatingPolicy', SIGNATURES);
    await cluster.apply(bridge, true);
    return cluster.apply(policy, true).then(
      () => {
        throw new Error('it is applied');
      },
      ({ message }: Error) => message,
    );
  });
  await step('somebody who owns the cluster takes Kyverno out of the way', async () => {
    const kinds = 'validatingwebhookconfigurations,mutatingwebhookconfigurations';
    const selector = 'webhook.kyverno.io/managed-by=kyverno';
    const { status, stdout, stderr } = await cluster.kubectl(['delete', kinds, '-l', selector]);
    if (status !== 0 || stdout === '') throw new Error(stderr || 'there was none');
    return same(imageOf(await asker.ask(signed)), signed);
  });
}

async function main(): Promise<number> {
  parseArgs({ options: {} });
  const recorder = new Recorder('signatures of images, asked by Kyverno');
  const programs = await findPrograms(['kyverno', 'cosign', 'crane'], console.error);
  const sandbox = new Sandbox('signatures');
  const registry = await Registry.start(sandbox, programs);
  const plane = await ControlPlane.start();
  const cluster = await Cluster.connect(plane.kubeconfig);
  try {
    const keys = {
      own: await registry.key('own'),
      next: await registry.key('next'),
      foreign: await registry.key('foreign'),
    };
    await registry.certifiedKey('certified');
    const { printed, place } = platformOf(registry, [keys.own]);
    const kyvernos = definitions();
    const rest = customDefinitions().filter(({ metadata: { name } }) =>
      kyvernos.every(({ metadata }) => metadata.name !== name),
    );
    await prepare(cluster, printed, place, [...rest, ...kyvernos]);
    const kyverno = new Kyverno(sandbox, programs.kyverno, plane.kubeconfig);
    await kyverno.ready(cluster);
    await prove(recorder, { cluster, registry, kyverno, keys });
    const report = recorder.report();
    if (!isGood(report)) console.error(sandbox.lastWords('kyverno', 20));
    console.log(summaryOf(report));
    return isGood(report) ? 0 : 1;
  } finally {
    await registry.close();
    cluster.close();
    await plane.stop();
    await sandbox.close();
  }
}

runCommand(USAGE, main);
