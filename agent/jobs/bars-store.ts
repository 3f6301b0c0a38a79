import type { BarsInput } from '#agent/contract/lease';
import { timeframeSchema } from '#agent/contract/timeframe';
import { decodeBars } from '#agent/engine/arrow-bars';
import { createBars } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { Fault } from '#agent/kit/error';
import { mapFile } from '#agent/kit/mapped-file';

/** Keeps the bars of the last job mapped, and with them what was computed from them: batches share both. */
export class BarsStore {
  #last: { key: string; bars: Bars } | undefined;

  open(path: string, input: BarsInput): Bars {
    const key = `${path} ${input.symbol} ${input.timeframe} ${input.data_hash}`;
    if (this.#last?.key === key) return this.#last.bars;
    this.#last = undefined;
    const columns = decodeBars(mapFile(path));
    const bars = createBars(input.symbol, timeframeSchema.parse(input.timeframe), columns);
    if (bars.length !== input.bar_count) {
      throw new Fault(
        'environment',
        `Cannot read bars from ${path}: it holds ${bars.length} bars, the job was given ${input.bar_count}`,
        { hint: 'remove the file: the agent fetches it again' },
      );
    }
    this.#last = { key, bars };
    return bars;
  }
}
