import { writeSync } from 'node:fs';
import { systemClock, type Clock } from '#agent/kit/clock';
import { errorCode } from '#agent/kit/error';

/** What a command sees of the world around it; tests give their own. */
export interface Shell {
  stdout: Terminal;
  stderr: Terminal;
  environment: Readonly<Record<string, string | undefined>>;
  /** User id; -1 where the system has none. */
  uid: number;
  clock: Clock;
  /** Aborts at SIGINT and SIGTERM. */
  signal: AbortSignal;
  stdin(): ReadableStream<Uint8Array>;
  /** The exit code of a command that did what it was asked, and found what it found. */
  setExitCode(code: number): void;
}

export interface Terminal {
  write(text: string): void;
  readonly isTty: boolean;
  /** Width in cells: of the terminal, else COLUMNS, else undefined: nothing is cut then. */
  readonly columns: number | undefined;
  /** Height in cells; undefined where it is not a terminal. */
  readonly rows?: number | undefined;
}

/** Reader of our output went away (`| head`): not an error of ours. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/** The real one. Signals are listened to from the first look at `signal` on: `run` has a way of its own. */
export function systemShell(): Shell & { readonly exitCode: number } {
  let exitCode = 0;
  let signal: AbortSignal | undefined;
  return {
    stdout: systemTerminal(process.stdout, 1),
    stderr: systemTerminal(process.stderr, 2),
    environment: process.env,
    uid: process.getuid?.() ?? -1,
    clock: systemClock,
    get signal() {
      signal ??= stopSignal();
      return signal;
    },
    stdin: () => Bun.stdin.stream(),
    setExitCode: (code) => {
      exitCode = code;
    },
    get exitCode() {
      return exitCode;
    },
  };
}

/** Aborts at the first signal; a second one ends the process at once, in case a command does not listen. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(signalExitCode(name));
      stopping.abort(name);
    });
  }
  return stopping.signal;
}

/** 128 and the number of the signal, as shells say it. */
export function signalExitCode(signal: unknown): number {
  return signal === 'SIGTERM' ? 143 : 130;
}

function systemTerminal(stream: NodeJS.WriteStream, fd: number): Terminal {
  return {
    write: (text) => writeAll(fd, text),
    isTty: stream.isTTY,
    get columns() {
      const fixed = Number(process.env.COLUMNS);
      if (Number.isInteger(fixed) && fixed >= 20) return fixed;
      return stream.isTTY ? stream.columns : undefined;
    },
    get rows() {
      return stream.isTTY ? stream.rows : undefined;
    },
  };
}

/**
 * Synchronous, so that nothing is lost when the process ends, and a closed pipe is an exception of
 * the one who writes. A full pipe that somebody made non-blocking says EAGAIN.
 */
function writeAll(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (cause) {
      if (errorCode(cause) === 'EPIPE') throw new ReaderGone();
      if (errorCode(cause) !== 'EAGAIN') throw cause;
      // Blocks, as a write to a full pipe would if nobody had made it non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
