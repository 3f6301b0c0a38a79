import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { abortable } from '#agent/kit/abortable';
import type { Clock } from '#agent/kit/clock';
import { writeFault } from '#agent/kit/durable-file';
import { describeError, errorCode, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { retry } from '#agent/kit/retry';
import type { Rng } from '#agent/kit/rng';
import type { ControlApi } from './control-api';
import { isTransient } from './http-delivery';
import type { WorkerMetrics } from './worker-metrics';

export const BARS_CACHE_BYTES_MAX = 4 * 2 ** 30;

export interface BarsCacheOptions {
  /** `<cache_dir>/bars`; agents of one host may share it. */
  directory: string;
  bytesMax?: number;
  api: Pick<ControlApi, 'barsFile'>;
  /** The logical data hash of an Arrow file, without stopping the event loop for long. */
  hashFile: (path: string, signal: AbortSignal) => Promise<string>;
  /** Hashes that attempts of this agent are about to open. */
  inUse: () => ReadonlySet<string>;
  clock: Clock;
  rng: Rng;
  log: Log;
  metrics: Pick<WorkerMetrics, 'barsCacheBytes' | 'barsDownloads'>;
}

/**
 * Bars files on this host by data hash. A file appears whole and verified by rename, never changes,
 * and goes by unlink: whoever has it mapped keeps it.
 */
export class BarsCache implements AsyncDisposable {
  readonly #options: BarsCacheOptions;
  readonly #downloads = new Map<string, Download>();
  readonly #stop = new AbortController();

  constructor(options: BarsCacheOptions) {
    this.#options = options;
  }

  /**
   * The path of a verified file, downloading it as long as the control plane is away. Callers for one
   * hash share a download, which ends when the last of them gives up. Rejects with the signal's reason,
   * or with a Fault when the control plane has no such bars, sends others, or the disk does not take them.
   */
  async fetch(dataHash: string, signal: AbortSignal): Promise<string> {
    const path = join(this.#options.directory, `${dataHash}.arrow`);
    if (await this.#touch(path)) return path;
    signal.throwIfAborted();
    this.#stop.signal.throwIfAborted();
    const download = this.#downloads.get(dataHash) ?? this.#begin(dataHash, path);
    download.waiting += 1;
    try {
      await abortable(download.done, signal);
      return path;
    } finally {
      download.waiting -= 1;
      if (download.waiting === 0) download.stop.abort(signal.reason);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Fault('unavailable', 'Cannot fetch bars: the agent stops'));
    await Promise.allSettled([...this.#downloads.values()].map(({ done }) => done));
  }

  #begin(dataHash: string, path: string): Download {
    const stop = new AbortController();
    const done = this.#download(dataHash, path, AbortSignal.any([stop.signal, this.#stop.signal]));
    const download: Download = { waiting: 0, stop, done };
    this.#downloads.set(dataHash, download);
    const forget = (): void => {
      if (this.#downloads.get(dataHash) === download) this.#downloads.delete(dataHash);
    };
    // Waiters hear of a failure by themselves; here it only must not count as unhandled.
    done.then(forget, forget);
    return download;
  }

  async #download(dataHash: string, path: string, signal: AbortSignal): Promise<void> {
    const { clock, rng, log, metrics } = this.#options;
    await makeDirectory(this.#options.directory);
    let mismatches = 0;
    await retry(() => this.#attempt(dataHash, path, signal), {
      clock,
      rng,
      signal,
      backoff: { delayMsMin: 200, delayMsMax: 2_000 },
      retryable: (error) => {
        if (signal.aborted) return false;
        metrics.barsDownloads.inc({ outcome: 'failed' });
        if (error instanceof HashMismatch) mismatches += 1;
        if (error instanceof HashMismatch) return mismatches < MISMATCHES_MAX;
        // A full disk is given up at once: the work goes back, and another host may have room.
        return isTransient(error) && !(error instanceof Fault && error.code === 'disk_full');
      },
      onRetry: (error, attempt) => {
        if (attempt % 30 === 0)
          log.warn('bars cannot be fetched yet', { data_hash: dataHash, reason: describeError(error) });
      },
    }).catch((error: unknown) => {
      throw error instanceof HashMismatch ? error.fault() : error;
    });
    metrics.barsDownloads.inc({ outcome: 'ok' });
    await this.#evict(path);
  }

  async #attempt(dataHash: string, path: string, signal: AbortSignal): Promise<void> {
    const { api, hashFile, directory } = this.#options;
    const response = await api.barsFile(dataHash, { signal, timeoutMs: HEAD_TIMEOUT_MS });
    const temporary = join(directory, `${PARTIAL_PREFIX}${crypto.randomUUID()}`);
    try {
      await writeBody(response, { path: temporary, signal, clock: this.#options.clock });
      const found = await hashFile(temporary, signal);
      if (found !== dataHash) throw new HashMismatch(dataHash, found);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Whether the file is there; its time is what eviction goes by. */
  async #touch(path: string): Promise<boolean> {
    const now = new Date(this.#options.clock.nowMs());
    try {
      await utimes(path, now, now);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
      // Another user's file in a shared cache: readable is enough.
      return await Bun.file(path).exists();
    }
  }

  /** Unlinks the least recently used files until the rest fits; never one in use or used just now. */
  async #evict(keep: string): Promise<void> {
    const { directory, bytesMax = BARS_CACHE_BYTES_MAX, inUse, clock, log, metrics } = this.#options;
    const entries = await listFiles(directory);
    let totalBytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const used = new Set([...inUse()].map((hash) => `${hash}.arrow`));
    const nowMs = clock.nowMs();
    for (const { name, sizeBytes, usedMs } of entries.toSorted((a, b) => a.usedMs - b.usedMs)) {
      const path = join(directory, name);
      const abandoned = name.startsWith(PARTIAL_PREFIX) && nowMs - usedMs > PARTIAL_AGE_MS_MAX;
      const surplus = totalBytes > bytesMax && name.endsWith('.arrow') && nowMs - usedMs > FRESH_MS;
      if (path === keep || used.has(name) || !(abandoned || surplus)) continue;
      await rm(path, { force: true });
      totalBytes -= sizeBytes;
      log.info('removed bars from the cache', { file: name, size_bytes: sizeBytes });
    }
    metrics.barsCacheBytes.set(totalBytes);
  }
}

interface Download {
  waiting: number;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Two transfers may be damaged on the way; the third says that the control plane has other bars. */
const MISMATCHES_MAX = 3;
const HEAD_TIMEOUT_MS = 30_000;
/** No byte for this long means that the connection is dead. */
const STALL_MS = 30_000;
const PARTIAL_PREFIX = '.partial-';
const PARTIAL_AGE_MS_MAX = 24 * 3_600_000;
/** Another agent of this host may be about to open what it touched just now. */
const FRESH_MS = 60_000;
const SYNC_MODE = 0o644;

class HashMismatch extends Error {
  override readonly name = 'HashMismatch';
  readonly #wanted: string;

  constructor(wanted: string, found: string) {
    super(`its data hash is ${found}`);
    this.#wanted = wanted;
  }

  fault(): Fault {
    return new Fault('environment', `Cannot use bars ${this.#wanted}: ${this.message}`, {
      cause: this,
      hint: 'submit the work again, so that it pins the bars as they are now',
    });
  }
}

async function writeBody(
  response: Response,
  target: { path: string; signal: AbortSignal; clock: Clock },
): Promise<void> {
  const { path, signal, clock } = target;
  const file = await open(path, 'wx', SYNC_MODE).catch((cause: unknown) => {
    throw writeFault(path, cause);
  });
  try {
    const reader = (response.body ?? new Blob([]).stream()).getReader();
    for (;;) {
      const next = await readChunk(reader, signal, clock);
      if (next === undefined) break;
      await file.write(next).catch((cause: unknown) => {
        throw writeFault(path, cause);
      });
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readChunk(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>,
  signal: AbortSignal,
  clock: Clock,
): Promise<Uint8Array | undefined> {
  const read = reader.read();
  const finished = new AbortController();
  const stalled = clock
    .sleep(STALL_MS, AbortSignal.any([signal, finished.signal]))
    .then((): 'stalled' => 'stalled');
  try {
    const next = await Promise.race([read, stalled]);
    signal.throwIfAborted();
    if (next !== 'stalled') return next.done ? undefined : next.value;
    throw new Fault('timeout', `Cannot fetch bars: no data for ${STALL_MS / 1000} s`);
  } catch (cause) {
    // The read that nobody waits for any more may still fail.
    read.catch(() => undefined);
    reader.cancel().catch(() => undefined);
    if (cause instanceof Fault || signal.aborted) throw cause;
    throw new Fault('unavailable', 'Cannot fetch bars: the connection broke', { cause });
  } finally {
    finished.abort();
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw writeFault(path, cause);
  }
}

interface CachedFile {
  name: string;
  sizeBytes: number;
  usedMs: number;
}

/** Files of the directory; what another agent removes meanwhile is left out. */
async function listFiles(directory: string): Promise<CachedFile[]> {
  const found: CachedFile[] = [];
  for (const name of await readdir(directory)) {
    const info = await stat(join(directory, name)).catch(() => undefined);
    if (info?.isFile()) found.push({ name, sizeBytes: info.size, usedMs: info.mtimeMs });
  }
  return found;
}
