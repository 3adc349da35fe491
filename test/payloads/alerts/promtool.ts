import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { run } from '../../../acceptance/kubectl';
import type { Groups, TestedRules } from './rule-file';

/** The real promtool, on files in a folder of its own. */
export class Promtool {
  private readonly folder = mkdtempSync(join(tmpdir(), 'alerts-payloads-'));
  private count = 0;

  constructor(private readonly program: string) {}

  /** Checks rules with everything that belongs to them, templates of annotations included; returns the complaint. */
  async check(groups: Groups): Promise<string> {
    const file = join(this.fresh(), 'rules.yaml');
    writeFileSync(file, dump({ groups }));
    const { status, stdout, stderr } = await run(this.program, ['check', 'rules', file]);
    return status === 0 ? '' : `${stdout}${stderr}`.trim();
  }

  /**
   * Runs unit tests, which look at labels alone: rules are given without their annotations.
   * @returns what promtool said of those that failed
   */
  async test<T extends TestedRules>(files: readonly T[]): Promise<Map<T, string>> {
    const left = [...files];
    const failures = new Map<T, string>();
    const worker = async (): Promise<void> => {
      for (let file = left.shift(); file; file = left.shift()) {
        const { status, stdout, stderr } = await run(this.program, ['test', 'rules', this.write(file)]);
        if (status !== 0) failures.set(file, `${stdout}${stderr}`.trim());
      }
    };
    await Promise.all([worker(), worker()]);
    return failures;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private write({ groups, tests }: TestedRules): string {
    const folder = this.fresh();
    const bare = groups.map((group) => ({
      ...group,
      rules: group.rules?.map((rule) => ({ ...rule, annotations: undefined })),
    }));
    writeFileSync(join(folder, 'rules.yaml'), dump({ groups: bare }, { skipInvalid: true }));
    const file = join(folder, 'test.yaml');
    writeFileSync(file, dump({ ...(load(tests) as object), rule_files: ['rules.yaml'] }));
    return file;
  }

  private fresh(): string {
    const folder = join(this.folder, String((this.count += 1)));
    mkdirSync(folder);
    return folder;
  }
}
