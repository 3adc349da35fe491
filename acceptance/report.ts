import { columns } from '../scripts/columns';

/** One thing that was tried. */
export interface Check {
  /** What it belongs to, as in `foundation, wave 3` or `PostgreSQL`. */
  readonly subject: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'warned';
  /** What was seen; for a failure or a skip, why. */
  readonly detail: string;
  readonly seconds: number;
}

/** Something that is wrong with one object, in one line. */
export interface Finding {
  /** Its identity, as `Deployment/redis/cache`. */
  readonly name: string;
  readonly message: string;
}

/** What was seen by a check of many objects, and what is wrong. */
export interface Seen {
  readonly seen: string;
  readonly findings: readonly Finding[];
}

/** What came of trying one environment on one cluster. */
export interface Report {
  /** As in `acceptance of production/frankfurt`. */
  readonly title: string;
  /** Figures of the whole: objects, refused, warned, pending … */
  readonly figures: Readonly<Record<string, number>>;
  readonly checks: readonly Check[];
  readonly seconds: number;
}

/** Gathers checks while they run, and says each as it ends. */
export class Recorder {
  private readonly checks: Check[] = [];
  private readonly figures: Record<string, number> = {};
  private readonly start = performance.now();

  constructor(
    private readonly title: string,
    private readonly say: (line: string) => void = console.log,
  ) {}

  count(figure: string, amount: number): void {
    this.figures[figure] = (this.figures[figure] ?? 0) + amount;
  }

  /** Runs one check: what it returns is its detail; what it throws is its failure, and nothing else stops. */
  async check(subject: string, name: string, action: () => Promise<string>): Promise<boolean> {
    const start = performance.now();
    const [outcome, detail] = await action().then(
      (seen) => ['passed', seen] as const,
      (error: unknown) => ['failed', error instanceof Error ? error.message : String(error)] as const,
    );
    this.add({ subject, name, outcome, detail, seconds: (performance.now() - start) / 1000 });
    return outcome === 'passed';
  }

  /** Runs one check of many objects: it fails once for each finding, and passes where there is none. */
  async checkAll(subject: string, name: string, action: () => Promise<Seen>): Promise<boolean> {
    const start = performance.now();
    const since = (): number => (performance.now() - start) / 1000;
    try {
      const { seen, findings } = await action();
      for (const each of findings)
        this.add({ subject, name: each.name, outcome: 'failed', detail: each.message, seconds: 0 });
      if (findings.length > 0) return false;
      this.add({ subject, name, outcome: 'passed', detail: seen, seconds: since() });
      return true;
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.add({ subject, name, outcome: 'failed', detail, seconds: since() });
      return false;
    }
  }

  /** Notes what was taken, but not without a warning. */
  warn(subject: string, name: string, warning: string): void {
    this.add({ subject, name, outcome: 'warned', detail: warning, seconds: 0 });
  }

  /** Notes what was not tried, and why. */
  skip(subject: string, name: string, why: string): void {
    this.add({ subject, name, outcome: 'skipped', detail: why, seconds: 0 });
  }

  report(): Report {
    const seconds = (performance.now() - this.start) / 1000;
    return { title: this.title, figures: this.figures, checks: this.checks, seconds };
  }

  private add(check: Check): void {
    this.checks.push(check);
    this.say(lineOf(check));
  }
}

const MARKS = { passed: 'ok     ', failed: 'FAILED ', skipped: 'skipped', warned: 'warned ' } as const;

function lineOf({ subject, name, outcome, detail, seconds }: Check): string {
  const text = `${MARKS[outcome]} ${subject}: ${name}${detail && `: ${detail}`}`;
  return `${text}${seconds >= 0.1 ? ` (${seconds.toFixed(1)} s)` : ''}`;
}

/** A report for people: its failures once more, its figures, and `N passed, N failed` as the last line. */
export function summaryOf({ title, figures, checks, seconds }: Report): string {
  const of = (outcome: Check['outcome']): Check[] => checks.filter((check) => check.outcome === outcome);
  const numbers = Object.entries(figures).map(([name, amount]) => `${amount} ${name}`);
  const skipped = of('skipped').length;
  return [
    ...of('failed').map(lineOf),
    `${title}: ${[...numbers, `${seconds.toFixed(0)} s`].join(', ')}`,
    `${of('passed').length} passed, ${of('failed').length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  ].join('\n');
}

/** A line for each report, and what they come to: `N passed, N failed` as the last line. */
export function tableOf(reports: readonly Report[]): string {
  const amount = (checks: readonly Check[], outcome: Check['outcome']): number =>
    checks.filter((check) => check.outcome === outcome).length;
  const figures = [...new Set(reports.flatMap((report) => Object.keys(report.figures)))];
  const rows = reports.map(({ title, checks, seconds, ...report }) => [
    title,
    ...figures.map((figure) => String(report.figures[figure] ?? 0)),
    String(amount(checks, 'passed')),
    String(amount(checks, 'failed')),
    seconds.toFixed(0),
  ]);
  const table = [['', ...figures, 'passed', 'failed', 'seconds'], ...rows];
  const all = reports.flatMap(({ checks }) => checks);
  const lines = columns(table, (column) => (column === 0 ? 'left' : 'right'));
  return [lines, `${amount(all, 'passed')} passed, ${amount(all, 'failed')} failed`].join('\n');
}

/** Whether everything that was tried holds, and something was tried. */
export function isGood({ checks }: Report): boolean {
  return (
    checks.some(({ outcome }) => outcome === 'passed') && checks.every(({ outcome }) => outcome !== 'failed')
  );
}
