import { systemClock, type Clock } from '#agent/kit/clock';
import type { Shell } from '#agent/cli/shell';

export interface CapturedShell extends Shell {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number | undefined;
}

export interface CaptureOptions {
  columns?: number;
  isTty?: boolean;
  environment?: Record<string, string>;
  clock?: Clock;
}

/** A shell whose terminals are strings. */
export function capturedShell(options: CaptureOptions = {}): CapturedShell {
  const { columns, isTty = false, environment = {}, clock = systemClock } = options;
  const written = { out: '', err: '' };
  let exitCode: number | undefined;
  const terminal = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTty,
    columns,
  });
  return {
    stdout: terminal('out'),
    stderr: terminal('err'),
    environment,
    uid: 1000,
    clock,
    signal: new AbortController().signal,
    stdin: () => new Blob().stream(),
    setExitCode: (code) => {
      exitCode = code;
    },
    get out() {
      return written.out;
    },
    get err() {
      return written.err;
    },
    get exitCode() {
      return exitCode;
    },
  };
}
