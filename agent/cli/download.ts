import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ROW_COUNT_HEADER } from '#agent/contract/export-endpoints';
import { writeFault } from '#agent/kit/durable-file';
import { errorCode, Fault } from '#agent/kit/error';
import { bytes } from './figures';
import { createRateMeter } from './progress-bar';
import type { ProgressLine } from './progress-line';
import type { Session } from './session';
import { ReaderGone } from './shell';

export type TableFormat = 'csv' | 'parquet';

/** Until the headers of an export: counting a large range takes the control plane a while. */
export const HEADERS_MS_MAX = 5 * 60_000;
/** A body that stands still for so long is not coming any more. */
const SILENCE_MS_MAX = 2 * 60_000;

/** The format that was asked for, or the one that the name of the file says. */
export function formatOf(format: TableFormat | undefined, file: string | undefined): TableFormat {
  return format ?? (file?.toLowerCase().endsWith('.parquet') ? 'parquet' : 'csv');
}

export interface Download {
  /** What it is, for errors: "bars of SPX 1d". */
  what: string;
  response: Response;
  format: TableFormat;
  /** Of the answer, where it says so; see `rowCountOf`. */
  rowCount: number | undefined;
}

export function rowCountOf(response: Response): number | undefined {
  const text = response.headers.get(ROW_COUNT_HEADER);
  return text === null || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
}

/**
 * Writes an answer beside its place and renames it in: a file with the name is whole. Shows how far it is.
 * Returns its size in bytes. Throws Fault(unavailable) when the answer breaks off.
 */
export async function downloadToFile(session: Session, download: Download, path: string): Promise<number> {
  const partial = `${path}.${process.pid}.partial`;
  using line = session.output.progress();
  let written = 0;
  try {
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(partial, 'wx', 0o644);
    for await (const chunk of wholeChunks(session, download, line)) {
      await file.write(chunk);
      written += chunk.length;
    }
    await file.sync();
    await rename(partial, path);
  } catch (cause) {
    // It may be that it was never there.
    await unlink(partial).catch(() => undefined);
    throw isOfTheDisk(cause) ? writeFault(path, cause) : cause;
  }
  return written;
}

/** Sends an answer on to stdout, which has then no room for anything else. */
export async function downloadToStdout(session: Session, download: Download): Promise<void> {
  const { output, shell } = session;
  if (output.json) {
    throw new Fault('bad_request', 'Cannot export to stdout with --json: it has room for one document', {
      hint: `leave out --json, or name a file: -o table.${download.format}`,
    });
  }
  if (shell.stdout.isTty && download.format === 'parquet') {
    throw new Fault('bad_request', 'Cannot write Parquet to a terminal: it is binary', {
      hint: 'name a file: -o table.parquet, or leave out --format',
    });
  }
  using line = output.progress();
  // On a terminal the rows themselves show how far it is.
  const quiet = shell.stdout.isTty ? undefined : line;
  try {
    for await (const chunk of wholeChunks(session, download, quiet)) await Bun.write(Bun.stdout, chunk);
  } catch (cause) {
    throw errorCode(cause) === 'EPIPE' ? new ReaderGone() : cause;
  }
}

/** The chunks of the body; what broke off throws, and is never taken for the end. */
async function* wholeChunks(
  { shell }: Session,
  { what, response, format, rowCount }: Download,
  line: ProgressLine | undefined,
): AsyncGenerator<Uint8Array> {
  const isCsv = format === 'csv';
  const progress = createProgress(line, isCsv ? rowCount : undefined);
  let tail = Buffer.alloc(0);
  for await (const chunk of untilSilent(shell, response, what)) {
    yield chunk;
    tail = Buffer.from(Buffer.concat([tail, chunk.subarray(-4)]).subarray(-4));
    progress.add(chunk, shell.clock.bootMs());
  }
  const rows = progress.lines - 1;
  const isShort = isCsv ? rowCount !== undefined && rows < rowCount : tail.toString('latin1') !== PARQUET_END;
  if (isShort) throw brokenOff(what);
}

async function* untilSilent(
  { clock, signal }: Session['shell'],
  response: Response,
  what: string,
): AsyncGenerator<Uint8Array> {
  const body: ReadableStream<Uint8Array> = response.body ?? new Blob().stream();
  const reader = body.getReader();
  try {
    for (;;) {
      const over = new AbortController();
      const silence = clock.sleep(SILENCE_MS_MAX, over.signal).then((): 'silence' => 'silence');
      const next = await Promise.race([reader.read(), silence]).finally(() => over.abort());
      if (next === 'silence') throw brokenOff(what);
      if (next.done) return;
      yield next.value;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw cause instanceof Fault ? cause : brokenOff(what, cause);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function brokenOff(what: string, cause?: unknown): Fault {
  return new Fault('unavailable', `Cannot export ${what}: the connection broke before the end`, {
    cause,
    hint: 'export it again; an import of the same bars meanwhile ends an export, too',
  });
}

interface DownloadProgress {
  /** Line feeds so far. */
  readonly lines: number;
  add(chunk: Uint8Array, nowMs: number): void;
}

/** Counts rows where their number is known, else bytes. */
function createProgress(line: ProgressLine | undefined, rowsExpected = 0): DownloadProgress {
  const rateOf = createRateMeter();
  let lines = 0;
  let size = 0;
  return {
    get lines() {
      return lines;
    },
    add(chunk, nowMs) {
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines++;
      size += chunk.length;
      rateOf.sample(size, nowMs);
      const { rate } = rateOf;
      const speed = rate === undefined ? '' : `, ${bytes(rate)}/s`;
      // The first line is the header. The last percent is what is left to do with the file.
      const done = Math.max(0, lines - 1);
      const counted = {
        fraction: Math.min(0.99, done / rowsExpected),
        done,
        total: rowsExpected,
        noun: 'rows',
      };
      line?.show({ ...(rowsExpected > 0 ? counted : {}), note: `${bytes(size)}${speed}` });
    },
  };
}

const LINE_FEED = 10;

/** https://parquet.apache.org/docs/file-format/ */
const PARQUET_END = 'PAR1';

function isOfTheDisk(cause: unknown): boolean {
  return cause instanceof Error && !(cause instanceof Fault) && 'syscall' in cause;
}
