import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { loadConfig } from '../../config/load';
import { buildPlatform } from '../../charts/platform';
import type { Environment } from '../../config/schema';
import type { Platform } from '../../synth/platform';
import { printPlatform } from '../../synth/print';
import { find, manifestsOf } from '../support';

// What of Terraform runs without its registry: the format of everything, and the modules without a provider, which is
// where all the thinking is. The rest is for the workflow, which can reach the registry.

const root = resolve(__dirname, '../..');
const folder = join(root, 'terraform');
const work = mkdtempSync(join(tmpdir(), 'terraform-'));

afterAll(() => rmSync(work, { recursive: true, force: true }));

jest.setTimeout(120_000);

const run = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  spawnSync('terraform', [...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', ...env },
  });

const { error } = run(root, ['version']);
if (error) console.warn(`terraform is not on PATH (${error.message}): its tests are skipped`);
const withTerraform = error ? describe.skip : describe;

/** A root module of its own, with everything Terraform keeps beside it. */
function rootModule(
  name: string,
  text: string,
): { apply: (env?: Record<string, string>) => string; state: string } {
  const cwd = join(work, name);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'main.tf'), text);
  const must = (args: readonly string[], env: Record<string, string>): string => {
    const { status, stdout, stderr } = run(cwd, [...args, '-no-color'], env);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  must(['init', '-input=false'], {});
  return {
    apply: (env = {}) => {
      must(['apply', '-auto-approve', '-input=false'], env);
      return must(['output', '-json'], env);
    },
    state: join(cwd, 'terraform.tfstate'),
  };
}

withTerraform('terraform', () => {
  test('everything is formatted, and therefore parsed', () => {
    const { status, stdout, stderr } = run(folder, ['fmt', '-check', '-diff', '-recursive', '-no-color']);
    expect(`${stdout}${stderr.replace(/.*CLI configuration[^]*/, '')}`).toBe('');
    expect(status).toBe(0);
  });

  test.each(['settings', 'prerequisites'])('module %s passes its own tests', (module) => {
    const { status, stdout, stderr } = run(join(folder, 'modules', module), ['test', '-no-color']);
    expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
    expect(stdout).toMatch(/Success! [1-9]\d* passed, 0 failed\./);
  });
});

const { environments, images } = loadConfig(join(root, 'config'));

/** One environment written to a folder as the synthesizer writes it. */
function written(environment: Environment): { dist: string; platforms: Platform[] } {
  const dist = join(work, `dist-${environment.environment}`);
  const platforms = environment.clusters.map((cluster) => buildPlatform(environment, cluster, images));
  for (const [file, text] of platforms.flatMap((platform) => [...printPlatform(platform)])) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    writeFileSync(join(dist, file), text);
  }
  return { dist, platforms };
}

withTerraform('settings', () => {
  test.each(environments.map((environment) => [environment.environment, environment] as const))(
    '%s: what Terraform reads is what the synthesizer wrote',
    (name, environment) => {
      const { dist, platforms } = written(environment);
      const [cluster] = environment.clusters;
      const { apply } = rootModule(
        `settings-${name}`,
        `
        locals { dist = "${dist}/${name}" }
        module "settings" {
          source           = "${folder}/modules/settings"
          config           = yamldecode(file("${root}/config/${name}.yaml"))
          cluster          = "${cluster?.name}"
          bootstrap        = [for each in fileset("\${local.dist}/${cluster?.name}/bootstrap", "*.yaml") : yamldecode(file("\${local.dist}/${cluster?.name}/bootstrap/\${each}"))]
          external_secrets = [for each in fileset(local.dist, "*/*/ExternalSecret.*.yaml") : yamldecode(file("\${local.dist}/\${each}"))]
        }
        output "root" { value = module.settings.root }
        output "storage" { value = module.settings.object_storage }
        `,
      );
      const { root: application, storage } = JSON.parse(apply()) as Outputs;
      expect(application.value).toEqual({
        repository: environment.delivery.repository,
        branch: environment.delivery.branch,
        name: 'lighthouse-bootstrap',
        namespace: 'argocd',
        folder: `${name}/${cluster?.name}/bootstrap`,
      });

      const { external } = environment.objectStorage;
      if (!external) {
        expect(storage).toBeUndefined(); // an output of null is no output
        return;
      }
      // The bucket of every object that names one is made: whoever archives to it would fail without.
      const stores = platforms.map((platform) =>
        find(manifestsOf(platform), 'ObjectStore', 'events-backups'),
      );
      for (const store of stores) {
        const path = JSON.stringify(store).match(/s3:\/\/([a-z0-9-]+)/)?.[1];
        expect(storage?.value.buckets).toContain(path);
      }
      const asked = platforms
        .flatMap(manifestsOf)
        .filter(({ kind }) => kind === 'ExternalSecret')
        .map((secret) => JSON.stringify(secret).match(/"key":"([^"]+)"/)?.[1])
        // What a paging service or an identity provider hands out, a person enters.
        .filter((key) => key?.includes('/object-storage/'));
      expect(Object.keys(storage?.value.keys ?? {}).toSorted()).toEqual([...new Set(asked)].toSorted());
      for (const { policy } of Object.values(storage?.value.keys ?? {}))
        expect(JSON.parse(policy).Statement).not.toEqual([]);
    },
  );
});

interface Outputs {
  readonly root: { readonly value: Readonly<Record<string, string>> };
  readonly storage?: {
    readonly value: {
      readonly buckets: readonly string[];
      readonly keys: Readonly<Record<string, { readonly policy: string }>>;
    };
  };
}

withTerraform('manifests', () => {
  const bin = join(work, 'bin');
  const log = join(work, 'kubectl.log');
  const calls = (): string[] => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
  const manifests = join(work, "it's a folder");

  beforeAll(() => {
    mkdirSync(bin);
    mkdirSync(manifests);
    for (const name of ['ConfigMap.argocd.argocd-cm', 'Application.argocd.lighthouse-bootstrap'])
      writeFileSync(join(manifests, `${name}.yaml`), '');
    const stub = `#!/bin/sh
for word in "$@"; do case $word in *.yaml) [ -e "$word" ] || exit 1 ;; esac; done
echo "$KUBECONFIG $*" >> '${log}'
`;
    writeFileSync(join(bin, 'kubectl'), stub, { mode: 0o755 });
  });

  const PATH = `${bin}${delimiter}${process.env.PATH}`;
  const moduleOf = (name: string, extra = '') =>
    rootModule(
      name,
      `
      variable "branch" { default = "dist" }
      module "manifests" {
        source     = "${folder}/modules/manifests"
        folder     = "${manifests}"
        kubeconfig = "/etc/kubeconfig"
        identity   = { branch = var.branch }
        ${extra}
      }
      output "files" { value = module.manifests.files }
      `,
    );

  test('are applied once, and again only for another source', () => {
    const { apply } = moduleOf('once');
    apply({ PATH });
    apply({ PATH });
    expect(calls()).toEqual([
      '/etc/kubeconfig apply --server-side --force-conflicts --field-manager argocd-controller --filename Application.argocd.lighthouse-bootstrap.yaml --filename ConfigMap.argocd.argocd-cm.yaml',
    ]);
    apply({ PATH, TF_VAR_branch: 'other' });
    expect(calls()).toHaveLength(2);
  });

  test('some of them, in a context', () => {
    moduleOf('some', 'files = "ConfigMap.*.yaml"\ncontext = "my cluster"').apply({ PATH });
    expect(calls().at(-1)).toBe(
      '/etc/kubeconfig --context my cluster apply --server-side --force-conflicts --field-manager argocd-controller --filename ConfigMap.argocd.argocd-cm.yaml',
    );
  });

  test('none is an error that says what to do', () => {
    const { apply } = moduleOf('none', 'files = "Secret.*.yaml"');
    expect(() => apply({ PATH })).toThrow(/has no file Secret.*npm run\s+synth/s);
  });

  test('a kubectl that fails is not taken for done', () => {
    const { apply } = moduleOf('failing');
    const broken = join(work, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'kubectl'), '#!/bin/sh\necho forbidden >&2\nexit 1\n', { mode: 0o755 });
    expect(() => apply({ PATH: `${broken}${delimiter}${process.env.PATH}` })).toThrow(/forbidden/);
    const before = calls().length;
    apply({ PATH });
    expect(calls()).toHaveLength(before + 1);
  });
});
