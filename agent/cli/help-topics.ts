import { FAULTS, type FaultCode } from '#agent/kit/error';
import { wrap } from './text';

/** What concerns every command: `ktrdr-agent help <topic>`. */
export interface HelpTopic {
  name: string;
  summary: string;
  text: string;
}

const OUTPUT = `Results go to stdout, everything about getting there to stderr: a pipe gets
results only.

--json    prints one JSON document on stdout; what has no end (logs, and status
          with --watch) prints one document a line. Errors are a document on
          stderr. Fields are those of the HTTP API.
Width     On a terminal tables are cut to its width; in a pipe nothing is cut.
          COLUMNS sets another width.
Colours   Only on a terminal, and never the only sign of anything. NO_COLOR=1,
          TERM=dumb and CLICOLOR=0 turn them off; FORCE_COLOR=1 and
          CLICOLOR_FORCE=1 turn them on, also in a pipe.
Progress  One line redrawn in place on a terminal, a plain line every ten seconds
          in a log; always on stderr, so that 2>/dev/null silences it.
Times     UTC, or how long ago.
`;

/** Alphabetical. */
export const HELP_TOPICS: readonly HelpTopic[] = [
  { name: 'exit-codes', summary: 'What the exit code of a command says', text: exitCodes() },
  { name: 'output', summary: '--json, colours, width, progress', text: OUTPUT },
];

/** From the one table of error codes, so that it cannot say anything else. */
function exitCodes(): string {
  const codesOf = (exit: number): string => {
    const codes = (Object.keys(FAULTS) as FaultCode[]).filter((code) => FAULTS[code].exit === exit);
    return wrap(`error codes: ${codes.join(', ')}`, 72).join('\n       ');
  };
  return `0      Done, and found as it should be.
1      It could not be done, or what was looked at is not well:
         status            the fleet is degraded
         doctor            a check warns
         dev status        some of its processes do not run
         backtest, sweep, follow
                           the operation failed or was cancelled
       ${codesOf(1)}
2      Wrong usage or input: nothing was done; or what was looked at is down:
         status            the control plane does not answer
         doctor            something is broken
         dev status        none of its processes runs
         validate          a file has mistakes
       ${codesOf(2)}
70     A program error; the lines on stderr belong into a report.
130    Ended by Ctrl-C (SIGINT); 143 by SIGTERM. What was submitted goes on.

With --json an error is a document on stderr with its code, detail, hint,
retryable and exit_code.
`;
}
