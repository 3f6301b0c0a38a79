import { readBars } from './bars';
import type { Database } from './connect';
import type { StoredColumns } from './packed-bars';
import { requireSeries } from './series';

/** Where the files of bars for jobs come from: see BarsFiles. */
export interface StoredBarsSource {
  /** Fault(not_found) that names the nearest symbol when there is no such series. */
  revision(symbol: string, timeframe: string): Promise<number>;
  columns(range: {
    symbol: string;
    timeframe: string;
    startUs: number | null;
    endUs: number | null;
  }): Promise<StoredColumns>;
}

export function barsSource(database: Database): StoredBarsSource {
  return {
    revision: async (symbol, timeframe) => (await requireSeries(database.sql, symbol, timeframe)).revision,
    columns: (range) => readBars(database, range),
  };
}
