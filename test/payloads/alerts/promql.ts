import { run } from '../../../acceptance/kubectl';

export interface Expression {
  readonly id: string;
  readonly expr: string;
}

export interface Selector {
  /** Empty where no equality names the metric. */
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly op: string; readonly value: string }[];
}

/** An expression with one thing changed. */
export interface Mutant {
  readonly change: string;
  readonly expr: string;
}

/** What Prometheus' own parser says of an expression. */
export interface Parsed {
  readonly id: string;
  readonly error?: string;
  readonly selectors: readonly Selector[];
  readonly mutants: readonly Mutant[];
}

/** Asks `tools/prometheus/promql`; answers come in the order of the expressions. */
export function parserOf(program: string): (expressions: readonly Expression[]) => Promise<Parsed[]> {
  return async (expressions) => {
    const { status, stdout, stderr } = await run(program, [], JSON.stringify(expressions));
    if (status !== 0) throw new Error(`promql ended with ${status}: ${stderr.trim()}`);
    return JSON.parse(stdout) as Parsed[];
  };
}
