import type { QualityFinding } from '#agent/contract/bars';
import type { Timeframe } from '#agent/contract/timeframe';
import { emptyRow } from './bar-row';
import type { BarRow, ImportedBars } from './bar-row';
import { createHeldRows } from './held-rows';
import type { HeldRows } from './held-rows';
import { lineBlocks } from './line-blocks';
import { refusalOf } from './refusal';
import type { Refuse } from './refusal';
import { createRowReader } from './row-reader';
import { createSequenceQuality } from './sequence-quality';
import type { SequenceQuality } from './sequence-quality';
import { counted } from './tally';
import type { Tally } from './tally';

export interface BarsImportOptions {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** IANA zone of time stamps that carry no offset; UTC, said as a finding, when absent. */
  readonly timezone?: string | undefined;
  /** What to do with bars that cannot have happened: refuse the file, or give them as they are. */
  readonly onBad: 'reject' | 'keep';
}

/** What was read, once the last chunk was taken. */
export interface BarsImportSummary {
  readonly rowsRead: number;
  /** Rows without repeated ones: the bars of all chunks together. */
  readonly barCount: number;
  /** Microseconds since 1970 UTC. */
  readonly firstUs: bigint;
  readonly lastUs: bigint;
  readonly timezone: string;
  readonly findings: QualityFinding[];
}

export const BARS_CHUNK_ROWS = 16_384;

/**
 * Reads CSV bytes as columns of at most BARS_CHUNK_ROWS bars; over all chunks times strictly ascend,
 * so the caller neither sorts nor looks for repeated bars. Every error is a Fault(invalid) that names the
 * line; some are known only at the end, so the caller writes in a transaction. `details.findings` of
 * those holds the whole quality report.
 */
export async function* importBars(
  source: AsyncIterable<Uint8Array>,
  options: BarsImportOptions,
  limits: { heldRowsMax?: number } = {},
): AsyncGenerator<ImportedBars, BarsImportSummary, undefined> {
  const { symbol, timeframe, onBad } = options;
  const refuse = refusalOf(symbol, timeframe);
  const reader = createRowReader(options, refuse);
  const sequence = createSequenceQuality(timeframe);
  const held = createHeldRows(refuse, limits.heldRowsMax);
  const bars = createBarsWriter(held, sequence);

  for await (const block of lineBlocks(source, refuse)) {
    reader.read(block, (row) => held.append(row));
    if (held.full) yield* bars.write(Math.floor(held.length / 2));
    await nextTurn();
  }
  const aboutRows = reader.end();
  yield* bars.write(held.length);
  const findings = [...sequence.findings(), ...aboutRows, ...orderOf(held)];
  if (sequence.conflicts.count > 0) throw conflict(sequence.conflicts, { refuse, findings });
  if (onBad === 'reject' && reader.impossible.count > 0) {
    throw impossible(reader.impossible, { refuse, findings });
  }
  return { rowsRead: reader.rowsRead, ...bars.extent(), timezone: reader.zone.id, findings };
}

interface BarsWriter {
  /** Gives the oldest `count` held rows, without the repeated ones. */
  write(count: number): AsyncGenerator<ImportedBars, void, undefined>;
  extent(): Pick<BarsImportSummary, 'barCount' | 'firstUs' | 'lastUs'>;
}

function createBarsWriter(held: HeldRows, sequence: SequenceQuality): BarsWriter {
  const row = emptyRow();
  let barCount = 0;
  let firstUs = 0;
  let lastUs = 0;
  return {
    async *write(count) {
      const order = await inTurns(held.order());
      for (let from = 0; from < count; from += BARS_CHUNK_ROWS) {
        const end = Math.min(count, from + BARS_CHUNK_ROWS);
        const chunk = createColumns(end - from);
        let length = 0;
        for (let i = from; i < end; i++) {
          held.read(order[i] as number, row);
          if (sequence.check(row)) writeColumns(chunk, length++, row);
        }
        if (length === 0) continue;
        if (barCount === 0) firstUs = Number(chunk.time[0]);
        lastUs = Number(chunk.time[length - 1]);
        barCount += length;
        yield length === end - from ? chunk : shortened(chunk, length);
        await nextTurn();
      }
      await inTurns(held.release(order, count));
    },
    extent: () => ({ barCount, firstUs: BigInt(firstUs), lastUs: BigInt(lastUs) }),
  };
}

function createColumns(length: number): ImportedBars {
  return {
    time: new BigInt64Array(length),
    open: new Float64Array(length),
    high: new Float64Array(length),
    low: new Float64Array(length),
    close: new Float64Array(length),
    volume: new Float64Array(length),
    line: new Float64Array(length),
  };
}

function writeColumns(chunk: ImportedBars, index: number, row: BarRow): void {
  chunk.time[index] = BigInt(row.timeUs);
  chunk.open[index] = row.open;
  chunk.high[index] = row.high;
  chunk.low[index] = row.low;
  chunk.close[index] = row.close;
  chunk.volume[index] = row.volume;
  chunk.line[index] = row.line;
}

function shortened(chunk: ImportedBars, length: number): ImportedBars {
  return {
    time: chunk.time.subarray(0, length),
    open: chunk.open.subarray(0, length),
    high: chunk.high.subarray(0, length),
    low: chunk.low.subarray(0, length),
    close: chunk.close.subarray(0, length),
    volume: chunk.volume.subarray(0, length),
    line: chunk.line.subarray(0, length),
  };
}

function orderOf({ descents, newestFirst }: HeldRows): QualityFinding[] {
  if (descents === 0) return [];
  const message = newestFirst
    ? 'the file has its newest bar first; bars were sorted by time'
    : `${counted(descents, 'row')} older than the row before; bars were sorted by time`;
  const severity = newestFirst ? 'info' : 'warning';
  return [{ kind: 'out_of_order', severity, count: descents, message, examples: [] }];
}

interface Report {
  readonly refuse: Refuse;
  readonly findings: QualityFinding[];
}

/** Two bars cannot share a time, and which of them is right only the owner of the file knows. */
function conflict({ count, examples }: Tally, { refuse, findings }: Report): Error {
  const rows = `${counted(count, 'row contradicts', 'rows contradict')} another row of the same time`;
  return refuse(`${rows}: ${examples.join('; ')}`, 'remove one of the lines', { findings });
}

function impossible({ count, examples }: Tally, { refuse, findings }: Report): Error {
  const bars = `${counted(count, 'bar')} cannot have happened`;
  const hint = 'correct the lines, or store them as they are with --on-bad keep';
  return refuse(`${bars}: ${examples.join('; ')}`, hint, { findings });
}

/** Runs steps to their end, with a turn of the event loop for others after each. */
async function inTurns<Result>(steps: Generator<undefined, Result, undefined>): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await nextTurn();
  }
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
