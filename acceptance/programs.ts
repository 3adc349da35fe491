import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The version of Kubernetes that is built, and that programs on PATH must have; `tools/kubernetes/go.mod` requires it. */
export const KUBERNETES_VERSION = 'v1.33.13';

/** The version of kwok, which plays nodes; `tools/kwok/go.mod` requires it. */
export const KWOK_VERSION = 'v0.7.0';

/**
 * The newest Argo CD whose modules are published whole: since 3.3 its own engine lies in a folder that no module archive
 * has, and 3.2.12 does not compile.
 */
export const ARGO_CD_VERSION = 'v3.2.11';

/** The version of Argo Rollouts' controller; `tools/argo-rollouts/go.mod` requires it. */
export const ARGO_ROLLOUTS_VERSION = 'v1.10.1';

/** The module of Prometheus 3.12. */
export const PROMETHEUS_VERSION = 'v0.312.0';

export const ALERTMANAGER_VERSION = 'v0.34.2';

/** The version of Loki whose configuration is checked, and whose parser reads queries; `tools/loki/go.mod` requires it. */
export const LOKI_VERSION = 'v3.7.8';

/** The version of the collector's components, the image's; `tools/collector/go.mod` requires them. */
export const COLLECTOR_VERSION = 'v0.144.0';

/** The version of BuildKit, whose parser reads Dockerfiles; `tools/dockerfile/go.mod` requires it. */
export const BUILDKIT_VERSION = 'v0.28.1';

/** The newest Vault that builds from published modules: 1.21.4 wants two versions of its own SDK at once. */
export const VAULT_VERSION = 'v1.21.1';

/** The image's version; `tools/weaviate/go.mod` requires it. */
export const WEAVIATE_VERSION = 'v1.38.2';

/** The version of kube-score; `tools/kube-score/go.mod` requires it. */
export const KUBE_SCORE_VERSION = 'v1.20.0';

/** The version of Kyverno, whose module names cosign's and crane's too; `tools/kyverno/go.mod` requires it. */
export const KYVERNO_VERSION = 'v1.19.1';

/** No release of it is a module; this is of the branch of 1.31. */
const ISTIO_VERSION = 'v0.0.0-20260827124520-eed52ebb66ad';

/** A program of a control plane, one that works on it, or one that reads what is applied. */
interface Program {
  /** How it is asked for its version. */
  readonly ask: readonly string[];
  /** What the answer must say where the program was found on PATH. */
  readonly answer: RegExp;
  /** Folder below `tools/` with the module that pins its sources. */
  readonly module: string;
  /** Its package there; one that begins with `./` has its source in that folder. */
  readonly package: string;
}

const minor = KUBERNETES_VERSION.replace(/\.\d+$/, '.').replaceAll('.', String.raw`\.`);

const kubernetes = (name: string): Program => ({
  ask: ['--version'],
  answer: new RegExp(minor),
  module: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
});

/** A program whose source lies here is on no PATH. */
const own = (module: string, name: string): Program => ({
  ask: [],
  answer: /(?!)/,
  module,
  package: `./${name}`,
});

export const PROGRAMS = {
  // Kubernetes 1.33 asks for nothing newer; Debian's 3.4 was tried as well.
  etcd: {
    ask: ['--version'],
    answer: /etcd Version: 3\.[4-6]\./,
    module: 'kubernetes',
    package: 'go.etcd.io/etcd/server/v3',
  },
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  kubectl: { ...kubernetes('kubectl'), ask: ['version', '--client'], answer: /Client Version: v1\./ },
  kwok: {
    ask: ['--version'],
    answer: new RegExp(`kwok version ${KWOK_VERSION.replaceAll('.', String.raw`\.`)}`),
    module: 'kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
  },
  // All of Argo CD's programs in one; ARGOCD_BINARY_NAME says which it is.
  argocd: {
    ask: ['version', '--client'],
    answer: new RegExp(ARGO_CD_VERSION.replaceAll('.', String.raw`\.`)),
    module: 'argo-cd',
    package: 'github.com/argoproj/argo-cd/v3/cmd',
  },
  // It does not tell its version.
  'rollouts-controller': {
    ask: [],
    answer: /(?!)/,
    module: 'argo-rollouts',
    package: 'github.com/argoproj/argo-rollouts/cmd/rollouts-controller',
  },
  promtool: {
    ask: ['--version'],
    answer: /promtool, version 3\.12\./,
    module: 'prometheus',
    package: 'github.com/prometheus/prometheus/cmd/promtool',
  },
  // What Prometheus' own parser says of expressions.
  promql: own('prometheus', 'promql'),
  amtool: {
    ask: ['--version'],
    answer: new RegExp(`amtool, version ${ALERTMANAGER_VERSION.slice(1).replaceAll('.', String.raw`\.`)}`),
    module: 'alertmanager',
    package: 'github.com/prometheus/alertmanager/cmd/amtool',
  },
  // Loki knows its version only from a flag of its build.
  loki: {
    ask: ['-version'],
    answer: new RegExp(LOKI_VERSION.replaceAll('.', String.raw`\.`)),
    module: 'loki',
    package: 'github.com/grafana/loki/v3/cmd/loki',
  },
  // What Loki's own parser says of expressions.
  logql: own('loki', 'logql'),
  // Exactly the components of the platform's pipelines.
  collector: own('collector', 'collector'),
  // What BuildKit's own parser says of a folder with a Dockerfile.
  dockerfile: own('dockerfile', 'dockerfile'),
  vault: {
    ask: ['version'],
    answer: /Vault v(1\.2[1-9]|2)\./,
    module: 'vault',
    package: './vault',
  },
  // It tells its version to whoever asks it when it runs.
  weaviate: {
    ask: [],
    answer: /(?!)/,
    module: 'weaviate',
    package: 'github.com/weaviate/weaviate/cmd/weaviate-server',
  },
  'kube-score': {
    ask: ['version'],
    answer: new RegExp(`kube-score version: ${KUBE_SCORE_VERSION.slice(1).replaceAll('.', String.raw`\.`)},`),
    module: 'kube-score',
    package: 'github.com/zegl/kube-score/cmd/kube-score',
  },
  // Its version is a flag of its build. What answers the API server, and no other of its programs.
  kyverno: {
    ask: [],
    answer: /(?!)/,
    module: 'kyverno',
    package: 'github.com/kyverno/kyverno/cmd/kyverno',
  },
  cosign: {
    ask: ['version'],
    answer: /GitVersion:\s+v3\./,
    module: 'kyverno',
    package: 'github.com/sigstore/cosign/v3/cmd/cosign',
  },
  // It has a registry too.
  crane: {
    ask: ['version'],
    answer: /^v?0\.2\d\./,
    module: 'kyverno',
    package: 'github.com/google/go-containerregistry/cmd/crane',
  },
  // What Istio's own validation and control plane make of policies.
  'istio-mesh': own('istio', 'istio-mesh'),
} as const satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof PROGRAMS;

const root = join(__dirname, '..');
const cache = join(root, '.cache', 'kubernetes');

const VERSIONS: Readonly<Record<string, string>> = {
  kubernetes: KUBERNETES_VERSION,
  kwok: KWOK_VERSION,
  'argo-cd': ARGO_CD_VERSION,
  'argo-rollouts': ARGO_ROLLOUTS_VERSION,
  prometheus: PROMETHEUS_VERSION,
  alertmanager: ALERTMANAGER_VERSION,
  loki: LOKI_VERSION,
  collector: COLLECTOR_VERSION,
  dockerfile: BUILDKIT_VERSION,
  'kube-score': KUBE_SCORE_VERSION,
  weaviate: WEAVIATE_VERSION,
  istio: ISTIO_VERSION,
  vault: VAULT_VERSION,
  kyverno: KYVERNO_VERSION,
};

/** Where a program is when it was built here. */
function builtPath(name: ProgramName): string {
  const { module, package: path } = PROGRAMS[name];
  const folder = join(cache, `${module}-${VERSIONS[module]}`);
  return path.startsWith('./') ? join(folder, sourceHash(module, path), name) : join(folder, name);
}

/** A program whose source lies here is another one whenever that was changed. */
function sourceHash(module: string, path: string): string {
  const source = readFileSync(join(root, 'tools', module, path, 'main.go'));
  return createHash('sha256').update(source).digest('hex').slice(0, 10);
}

/** Where a program was not found, how else to get it. */
const REMEDY =
  `install Go 1.24 or newer (https://go.dev/dl), or put the programs of Kubernetes ${KUBERNETES_VERSION.replace(/\.\d+$/, '')} into a folder and ` +
  `name it in KUBEBUILDER_ASSETS (https://dl.k8s.io, https://github.com/etcd-io/etcd/releases; kwok ${KWOK_VERSION}: https://github.com/kubernetes-sigs/kwok/releases)`;

/** Where programs lie, by name. */
export type Paths<Name extends ProgramName> = Readonly<Record<Name, string>>;

/**
 * Finds programs of a control plane: in KUBEBUILDER_ASSETS, where users of envtest have them; on PATH at the right version;
 * those that were built here before. What is missing is built, once, from sources pinned in `tools/`.
 * @param say told what is being built
 * @throws Error where something is missing and cannot be built
 */
export async function findPrograms<Name extends ProgramName>(
  names: readonly Name[],
  say: (line: string) => void,
): Promise<Paths<Name>> {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) await buildAll(missing, say);
  const paths = Object.fromEntries(names.map((name) => [name, findProgram(name)])) as Paths<Name>;
  refuseMixture(paths);
  return paths;
}

function findProgram(name: ProgramName): string | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const chosen = assets === undefined ? undefined : join(assets, name);
  if (chosen !== undefined && existsSync(chosen)) return chosen;
  const built = builtPath(name);
  if (existsSync(built)) return built;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path) && PROGRAMS[name].answer.test(versionOf(name, path)));
}

function versionOf(name: ProgramName, path: string): string {
  const { stdout, stderr } = spawnSync(path, PROGRAMS[name].ask, { encoding: 'utf8' });
  return `${stdout ?? ''}${stderr ?? ''}`;
}

/** Controllers and scheduler must not be newer than their API server; only assets of another version can make them so. */
function refuseMixture(paths: Readonly<Partial<Record<ProgramName, string>>>): void {
  const parts = (['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const).flatMap((name) => {
    const path = paths[name];
    return path === undefined ? [] : [{ name, path, minor: /v1\.\d+/.exec(versionOf(name, path))?.[0] }];
  });
  if (new Set(parts.map((part) => part.minor)).size <= 1) return;
  const found = parts.map((part) => `${part.path} ${part.minor ?? 'of no known version'}`).join(', ');
  throw new Error(
    `the programs of the control plane are of different versions: ${found}; put all three of one version into KUBEBUILDER_ASSETS`,
  );
}

/** Builds programs, unless another run does so already: then it waits for that. */
async function buildAll(names: readonly ProgramName[], say: (line: string) => void): Promise<void> {
  const { error } = spawnSync('go', ['version']);
  if (error) {
    throw new Error(
      `${names.join(', ')}: not found, and Go could not be started (${error.message}): ${REMEDY}`,
    );
  }
  mkdirSync(cache, { recursive: true });
  await locked(join(cache, 'building'), say, async () => {
    const left = names.filter((name) => !existsSync(builtPath(name)));
    if (left.length > 0) say(`building ${left.join(', ')}, once; 10 to 15 minutes where nothing is cached`);
    for (const [index, name] of left.entries()) {
      const start = performance.now();
      say(`building ${name} (${index + 1} of ${left.length}) ...`);
      await build(name);
      say(`built ${name} in ${((performance.now() - start) / 1000).toFixed(0)} s`);
    }
  });
}

/** What Kubernetes' own build puts into its programs, so that they know who they are. */
const KUBERNETES_FLAGS = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((at) => {
  const [major = '', minorNumber = ''] = KUBERNETES_VERSION.slice(1).split('.');
  return [
    `-X ${at}.gitVersion=${KUBERNETES_VERSION}`,
    `-X ${at}.gitMajor=${major}`,
    `-X ${at}.gitMinor=${minorNumber}`,
    `-X ${at}.gitTreeState=clean`,
  ];
});

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  kubernetes: KUBERNETES_FLAGS,
  kwok: [`-X sigs.k8s.io/kwok/pkg/consts.Version=${KWOK_VERSION}`],
  loki: [`-X github.com/grafana/loki/v3/pkg/util/build.Version=${LOKI_VERSION}`],
  // It writes it beside its roles, and reads it at the next start.
  weaviate: [`-X github.com/weaviate/weaviate/usecases/build.Version=${WEAVIATE_VERSION.slice(1)}`],
  'kube-score': [`-X main.version=${KUBE_SCORE_VERSION.slice(1)}`],
  'argo-cd': [`-X github.com/argoproj/argo-cd/v3/common.version=${ARGO_CD_VERSION.slice(1)}`],
  prometheus: ['-X github.com/prometheus/common/version.Version=3.12.0'],
  alertmanager: [`-X github.com/prometheus/common/version.Version=${ALERTMANAGER_VERSION.slice(1)}`],
};

/** The release's own plugins for every cloud do not build from published modules. */
const TAGS: Readonly<Record<string, string>> = { vault: 'minimal' };

/** Builds one program beside its place and moves it there, so that a half-built one is never found. */
async function build(name: ProgramName): Promise<void> {
  const { module, package: path } = PROGRAMS[name];
  const fresh = mkdtempSync(join(cache, 'fresh-'));
  try {
    const flags = ['-s', '-w', ...(FLAGS[module] ?? [])].join(' ');
    await go(
      ['build', '-trimpath', '-tags', TAGS[module] ?? '', '-ldflags', flags, '-o', join(fresh, name), path],
      join(root, 'tools', module),
    );
    mkdirSync(dirname(builtPath(name)), { recursive: true });
    renameSync(join(fresh, name), builtPath(name));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function go(args: readonly string[], cwd: string): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn('go', args, {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' },
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
    child.on('error', fail);
    child.on('close', (status) =>
      status === 0 ? done() : fail(new Error(`go ${args.join(' ')} failed:\n${said.trim()}\n${REMEDY}`)),
    );
  });
}

/** Does something that only one process may do at a time. A lock whose owner is gone counts for nothing. */
async function locked(file: string, say: (line: string) => void, action: () => Promise<void>): Promise<void> {
  for (let isFirst = true; !take(file); isFirst = false) {
    if (isFirst) say(`another run is building (${file}): waiting for it ...`);
    await sleep(1000);
  }
  try {
    await action();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = ownerOf(file);
  if (owner !== undefined && !isAlive(owner)) rmSync(file, { force: true });
  return false;
}

/** Undefined while the lock is being written or given back. */
function ownerOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
