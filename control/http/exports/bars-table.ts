import { seriesFileStem } from '#agent/engine/bars-import/series-file-name';
import { countBars, eachBars, type BarsQuery } from '#control/store/bars';
import type { Database } from '#control/store/connect';
import { nextTurn } from '#control/store/next-turn';
import type { StoredColumns } from '#control/store/packed-bars';
import { tableAnswer } from './answer';
import type { TableColumn } from './table';

interface BarRow {
  columns: StoredColumns;
  index: number;
}

/** The names that an import reads. */
export const BAR_COLUMNS: ReadonlyArray<TableColumn<BarRow>> = [
  { name: 'time', type: 'microseconds', value: ({ columns, index }) => columns.time[index] ?? null },
  ...(['open', 'high', 'low', 'close', 'volume'] as const).map((name): TableColumn<BarRow> => ({
    name,
    type: 'number',
    value: ({ columns, index }) => columns[name][index] ?? null,
  })),
];

/** The bars of a range as a file. Fault(not_found) for an unknown series; an empty range is a file without rows. */
export async function barsTable(
  database: Database,
  query: BarsQuery,
  format: 'csv' | 'parquet',
): Promise<Response> {
  const { revision, barCount } = await countBars(database, query);
  return tableAnswer(format, {
    name: seriesFileStem(query),
    rowCount: barCount,
    columns: BAR_COLUMNS,
    parts: rowsOf(eachBars(database, { ...query, revision }), ROWS[format]),
  });
}

/** Text is made in turns short enough for others to have theirs; a row group is better large. */
const ROWS = { csv: 4_000, parquet: 20_000 } as const;

async function* rowsOf(pages: AsyncIterable<StoredColumns>, size: number): AsyncGenerator<BarRow[]> {
  for await (const columns of pages) {
    const { length } = columns.time;
    for (let from = 0; from < length; from += size) {
      yield Array.from({ length: Math.min(size, length - from) }, (_, i) => ({ columns, index: from + i }));
      await nextTurn();
    }
  }
}
