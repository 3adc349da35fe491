/** Wrong use of a command: its usage is shown beside the reason, and the exit status is 2. */
export class Misuse extends Error {}

/**
 * Runs a command of package.json. What it returns is its exit status; an error is told in its own words, without a stack
 * (LIGHTHOUSE_DEBUG shows it), and the exit status is 1. `--help` shows the usage instead.
 */
export function runCommand(usage: string, main: () => number | Promise<number>): void {
  if (process.argv.includes('--help')) return console.log(usage);
  Promise.resolve()
    .then(main)
    .then(
      (status) => (process.exitCode = status),
      (error: unknown) => {
        if (!(error instanceof Error)) throw error;
        console.error(process.env['LIGHTHOUSE_DEBUG'] ? error.stack : error.message);
        const isMisuse = error instanceof Misuse || isOfParseArgs(error);
        if (isMisuse) console.error(`\n${usage}`);
        process.exitCode = isMisuse ? 2 : 1;
      },
    );
}

/** An option that the command does not have, or a value where there must be none, as node:util says it. */
function isOfParseArgs(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_PARSE_ARGS_') === true;
}
