import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BarsRequest } from '#agent/contract/kind';
import type { BarsInput } from '#agent/contract/lease';
import { encodeBars } from '#agent/engine/arrow-bars';
import type { BarColumns } from '#agent/engine/bars';
import { dataHash } from '#agent/kit/data-hash';
import { Fault } from '#agent/kit/error';
import { findPin, findPinOf, insertPin, type PinnedBars } from '#control/store/pins';
import type { Sql } from '#control/store/sql';

/** Where the bars come from: the store, as columns. */
export interface BarsSource {
  /** Throws a Fault that names the nearest symbol when there is no such series. */
  revision(symbol: string, timeframe: string): Promise<number>;
  columns(range: Omit<PinnedBars, 'dataHash' | 'barCount' | 'revision'>): Promise<BarColumns>;
}

/**
 * The bars of operations as Arrow files by data hash. Submitting pins the hash, so that every batch and
 * every retry sees the same bars, whatever is imported meanwhile. The files are a cache: a lost one is
 * written again from the store, and refused when the store no longer gives the same hash.
 */
export class BarsFiles {
  readonly #directory: string;
  readonly #sql: Sql;
  readonly #source: BarsSource;
  readonly #writing = new Map<string, Promise<string>>();

  constructor(options: { directory: string; sql: Sql; source: BarsSource }) {
    this.#directory = options.directory;
    this.#sql = options.sql;
    this.#source = options.source;
  }

  /** Fixes the bars of a request; throws a Fault for an unknown series or an empty range. */
  async pin(request: BarsRequest): Promise<BarsInput> {
    const { symbol, timeframe } = request;
    const range = {
      symbol,
      timeframe,
      startUs: microsecondsOf(request.start),
      endUs: microsecondsOf(request.end),
    };
    const revision = await this.#source.revision(symbol, timeframe);
    const known = await findPinOf(this.#sql, { ...range, revision });
    if (known) return { symbol, timeframe, data_hash: known.dataHash, bar_count: known.barCount };

    const columns = await this.#source.columns(range);
    const barCount = columns.time.length;
    if (barCount === 0) throw noBars(request);
    const hash = await dataHash(columns);
    await this.#write(hash, columns);
    await insertPin(this.#sql, { ...range, dataHash: hash, barCount, revision });
    return { symbol, timeframe, data_hash: hash, bar_count: barCount };
  }

  /** The path of the file of pinned bars; throws a Fault when nothing was pinned under this hash. */
  async path(hash: string): Promise<string> {
    const path = this.#pathOf(hash);
    if (await exists(path)) return path;
    const pin = await findPin(this.#sql, hash);
    if (!pin)
      throw new Fault(
        'not_found',
        `Cannot find bars ${hash.slice(0, 12)}…: no operation was submitted with them`,
      );
    const columns = await this.#source.columns(pin);
    const found = await dataHash(columns);
    if (found !== hash) {
      throw new Fault(
        'conflict',
        `Cannot give the bars ${hash.slice(0, 12)}… of ${pin.symbol} ${pin.timeframe}: they were changed since they were pinned`,
        { hint: 'submit the operation again: it will use the bars as they are now' },
      );
    }
    return await this.#write(hash, columns);
  }

  #pathOf(hash: string): string {
    return join(this.#directory, `${hash}.arrow`);
  }

  /** Writes beside and renames in: a reader sees the whole file or none. */
  #write(hash: string, columns: BarColumns): Promise<string> {
    const writing = this.#writing.get(hash) ?? this.#writeFile(hash, columns);
    this.#writing.set(hash, writing);
    return writing.finally(() => {
      this.#writing.delete(hash);
    });
  }

  async #writeFile(hash: string, columns: BarColumns): Promise<string> {
    const path = this.#pathOf(hash);
    if (await exists(path)) return path;
    await mkdir(this.#directory, { recursive: true, mode: 0o755 });
    const partial = `${path}.${process.pid}.partial`;
    try {
      const file = Bun.file(partial).writer({ highWaterMark: 1024 * 1024 });
      for await (const chunk of encodeBars(columns)) {
        void file.write(chunk);
        await file.flush();
      }
      await file.end();
      await sync(partial);
      await rename(partial, path);
    } catch (cause) {
      await rm(partial, { force: true });
      throw cause;
    }
    return path;
  }
}

/** A file is never written again once it is there: a power cut must not leave its name without its content. */
async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function noBars(request: BarsRequest): Fault {
  const from = request.start === null ? '' : ` from ${request.start}`;
  const to = request.end === null ? '' : ` to ${request.end}`;
  return new Fault(
    'invalid',
    `Cannot use ${request.symbol} ${request.timeframe}${from}${to}: there are no bars in that range`,
    {
      hint: `see what is stored: ktrdr-agent data show`,
    },
  );
}

/** An ISO date or instant as UTC microseconds. */
function microsecondsOf(text: string | null): number | null {
  if (text === null) return null;
  const milliseconds = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(milliseconds))
    throw new Fault('invalid', `Cannot read "${text}" as a time: it is not ISO 8601`);
  return milliseconds * 1000;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
