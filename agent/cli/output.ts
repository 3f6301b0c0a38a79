import { AssertionError } from '#agent/kit/assert';
import { describeError, Fault } from '#agent/kit/error';
import { createProgressLine, type ProgressLine } from './progress-line';
import { findingColumns, findingsOf } from './data/findings-table';
import { refusalColumns, refusalsOf } from './refusal-table';
import type { Shell } from './shell';
import { chooseStyle, type Style } from './style';
import { renderTable, type Column } from './table';
import { fold, printable } from './text';

/** Results go to stdout, everything about getting there to stderr. With --json stdout holds exactly one document. */
export interface Output {
  readonly json: boolean;
  readonly style: Style;
  /** Cells of the terminal; undefined for a pipe. */
  readonly columns: number | undefined;
  /**
   * A line of text, folded to the terminal; what is too long goes on below the text, behind the prefix. Nothing
   * with --json. Foreign text goes through `printable` first.
   */
  line(text?: string, prefix?: string): void;
  table<Row>(rows: readonly Row[], columns: ReadonlyArray<Column<Row>>): void;
  /** The document of --json; nothing without it. */
  document(value: unknown): void;
  /** A remark on stderr, not with --json. */
  note(text: string): void;
  progress(): ProgressLine;
}

/** What of a shell printing needs. */
export type Printer = Pick<Shell, 'stdout' | 'stderr' | 'environment' | 'clock'>;

export function createOutput(shell: Printer, json: boolean): Output {
  const { stdout, stderr, environment, clock } = shell;
  const style = chooseStyle({ isTty: stdout.isTty, environment });
  const print = (lines: readonly string[]): void => {
    if (!json) stdout.write(`${lines.join('\n')}\n`);
  };
  return {
    json,
    style,
    get columns() {
      return stdout.columns;
    },
    line: (text = '', prefix) => print(fold(text, stdout.columns, prefix)),
    table: (rows, columns) => print(renderTable(rows, columns, { width: stdout.columns, style })),
    document: (value) => {
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    note: (text) => {
      if (!json) stderr.write(`${fold(text, stderr.columns).join('\n')}\n`);
    },
    progress: () =>
      json ? SILENT : createProgressLine({ terminal: stderr, clock, unicode: isUnicode(environment) }),
  };
}

/** Says what went wrong on stderr and returns the exit code; a bug comes with its stack and exit code 70. */
export function printError(shell: Shell, error: unknown, json: boolean): number {
  const fault = error instanceof Fault ? error : undefined;
  const exitCode = fault?.exitCode ?? EXIT_BUG;
  shell.stderr.write(
    json ? `${JSON.stringify(errorDocument(error, exitCode), null, 2)}\n` : errorText(shell, error),
  );
  return exitCode;
}

const EXIT_BUG = 70;
const SILENT: ProgressLine = {
  show: () => undefined,
  clear: () => undefined,
  [Symbol.dispose]: () => undefined,
};

/** The fields of the API's problem documents. */
function errorDocument(error: unknown, exitCode: number): Record<string, unknown> {
  const fault = error instanceof Fault ? error : undefined;
  return {
    success: false,
    code: fault?.code ?? 'internal',
    detail: describeError(error),
    hint: fault?.hint ?? null,
    retryable: fault?.retryable ?? false,
    details: fault?.details ?? null,
    exit_code: exitCode,
  };
}

function errorText(shell: Shell, error: unknown): string {
  const style = chooseStyle({ isTty: shell.stderr.isTty, environment: shell.environment });
  if (!(error instanceof Fault)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const what = error instanceof AssertionError ? 'a program error' : 'an unexpected error';
    return `${style.bad('error')}: ${what}; please report it with these lines\n${stack}\n`;
  }
  const width = shell.stderr.columns;
  const options = { width, style };
  const lines = fold(printable(error.message), width, `${style.bad('error')}: `);
  const refusals = refusalsOf(error.details);
  if (refusals.length > 0) lines.push(...renderTable(refusals, refusalColumns, options));
  const findings = findingsOf(error.details);
  if (findings.length > 0) lines.push(...renderTable(findings, findingColumns, options));
  if (error.hint !== undefined) lines.push(...fold(printable(error.hint), width, `${style.bold('hint')}: `));
  return `${lines.join('\n')}\n`;
}

/** POSIX: LC_ALL over LC_CTYPE over LANG; without any the locale is C, which has no box characters. */
export function isUnicode(environment: Shell['environment']): boolean {
  return /utf-?8/i.test(environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '');
}
