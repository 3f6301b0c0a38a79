import { Fault } from '#agent/kit/error';
import type { QualityFinding } from '#agent/contract/bars';
import type { Timeframe } from '#agent/contract/timeframe';
import type { BarColumns } from '#agent/engine/bars';

export interface BarsImportOptions {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** IANA zone of time stamps that carry no offset; UTC, said as a finding, when absent. */
  readonly timezone?: string | undefined;
  /** What to do with bars that cannot have happened: refuse the file, or store them as they are. */
  readonly onBad: 'reject' | 'keep';
}

/** What was read, once the last chunk was taken. */
export interface BarsImportSummary {
  readonly rowsRead: number;
  /** Rows without collapsed duplicates: the bars of all chunks together. */
  readonly barCount: number;
  /** Microseconds since 1970 UTC. */
  readonly firstUs: bigint;
  readonly lastUs: bigint;
  readonly timezone: string;
  readonly findings: QualityFinding[];
}

/**
 * Reads CSV bytes as columns of at most BARS_CHUNK_ROWS bars; over all chunks times strictly ascend,
 * so the caller neither sorts nor looks for duplicates. Every error is a Fault that names the line;
 * some are known only at the end, so the caller writes in a transaction.
 */
// oxlint-disable-next-line require-yield
export async function* importBars(
  _source: AsyncIterable<Uint8Array>,
  options: BarsImportOptions,
): AsyncGenerator<BarColumns, BarsImportSummary, undefined> {
  await Promise.resolve();
  throw new Fault('internal', `Cannot import ${options.symbol}: the importer is not written yet`);
}

export const BARS_CHUNK_ROWS = 16_384;
