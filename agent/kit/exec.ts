import { assert } from './assert';
import { errorCode, Fault } from './error';
import { killTree } from './process';

export interface ExecOptions {
  timeoutMs: number;
  /** Bound on stdout and on stderr, each; default 1 MiB. Longer stdout is a fault, longer stderr is cut. */
  maxOutputBytes?: number;
  /** The whole environment of the command; default this process's own. */
  env?: Record<string, string>;
  cwd?: string;
  signal?: AbortSignal;
  /** Written to the command's stdin, the place for secrets; default an empty stdin. */
  stdin?: string;
}

export interface ExecResult {
  /** Exit code; 128 + signal number when a signal ended the command. */
  code: number;
  stdout: string;
  stderr: string;
}

/** A killed process is gone in a moment, unless the kernel holds it (state D). */
const KILL_WAIT_MS = 1_000;

/**
 * Runs a command to its end. A non-zero exit is a result, not a fault.
 * Fault(timeout) after `timeoutMs`, Fault(environment) when the command cannot be started or prints
 * too much; the signal's reason is thrown when it aborts. In each of these cases the command's
 * process tree is killed first; only a daemon that left both tree and session escapes. A process
 * that hangs in the kernel and outlives that is not waited for: Fault(timeout) with `details.pid`.
 */
export async function exec(argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  options.signal?.throwIfAborted();
  const maxOutputBytes = options.maxOutputBytes ?? 2 ** 20;
  const child = spawn(argv, options);
  const stop = Promise.withResolvers<never>();
  const name = describeCommand(argv);
  const timer = setTimeout(() => {
    const message = `Cannot run ${name}: no end after ${options.timeoutMs / 1000} s`;
    stop.reject(new Fault('timeout', message));
  }, options.timeoutMs);
  const abort = (): void => stop.reject(options.signal?.reason);
  options.signal?.addEventListener('abort', abort, { once: true });
  const stdout = collect(child.stdout, maxOutputBytes, () => {
    const message = `Cannot run ${name}: it printed more than ${maxOutputBytes} bytes`;
    stop.reject(new Fault('environment', message));
  });
  const stderr = collect(child.stderr, maxOutputBytes, () => undefined);
  try {
    const finished = Promise.all([child.exited, stdout.text, stderr.text]);
    const [code, out, error] = await Promise.race([finished, stop.promise]);
    return { code, stdout: out, stderr: error };
  } catch (error) {
    killTree(child.pid, 'SIGKILL');
    const ended = Promise.all([child.exited, stdout.cancel(), stderr.cancel()]);
    if (await endsWithin(KILL_WAIT_MS, ended)) throw error;
    // It must not keep this process from ending either.
    child.unref();
    throw new Fault('timeout', `Cannot end ${name}: process ${child.pid} hangs in the kernel`, {
      cause: error,
      details: { pid: child.pid },
    });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
  }
}

async function endsWithin(waitMs: number, ended: Promise<unknown>): Promise<boolean> {
  const over = Promise.withResolvers<false>();
  const timer = setTimeout(() => over.resolve(false), waitMs);
  try {
    return await Promise.race([ended.then(() => true), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

type Child = Bun.Subprocess<'ignore' | Blob, 'pipe', 'pipe'>;

function spawn(argv: readonly string[], options: ExecOptions): Child {
  assert(argv.length > 0, 'exec() needs a command');
  try {
    return Bun.spawn([...argv], {
      stdin: options.stdin === undefined ? 'ignore' : new Blob([options.stdin]),
      stdout: 'pipe',
      stderr: 'pipe',
      // A session of its own, by which killTree finds orphans of the command too.
      detached: true,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  } catch (cause) {
    const code = errorCode(cause);
    const state = code === 'ENOENT' ? 'no such command' : (code ?? 'it did not start');
    throw new Fault('environment', `Cannot run ${describeCommand(argv)}: ${state}`, {
      cause,
      hint: `install ${argv[0]}, or put it on PATH`,
    });
  }
}

interface Collected {
  text: Promise<string>;
  cancel(): Promise<void>;
}

/** Keeps the first `limitBytes`; what comes after is read and dropped, so that the writer never blocks. */
function collect(stream: ReadableStream<Uint8Array>, limitBytes: number, onOverflow: () => void): Collected {
  const reader = stream.getReader();
  const drain = async (): Promise<string> => {
    const chunks: Uint8Array[] = [];
    let keptBytes = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const part = next.value.subarray(0, limitBytes - keptBytes);
      if (part.length < next.value.length) onOverflow();
      if (part.length > 0) chunks.push(part);
      keptBytes += part.length;
    }
    return Buffer.concat(chunks).toString('utf8');
  };
  return { text: drain(), cancel: () => reader.cancel().catch(() => undefined) };
}

function describeCommand(argv: readonly string[]): string {
  const line = argv.join(' ');
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
