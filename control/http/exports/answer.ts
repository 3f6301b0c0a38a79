import { ROW_COUNT_HEADER, type ExportFormat } from '#agent/contract/export-endpoints';
import { csvOf } from './csv';
import { parquetOf } from './parquet';
import type { Table } from './table';

/** Rows in memory at once, and in a row group of Parquet. */
export const ROWS_PER_PART = 5_000;

const MEDIA_TYPES = { csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' } as const;

/** A table as a file, streamed: the next part is read when the last one was taken. */
export function tableAnswer<Row>(format: Exclude<ExportFormat, 'json'>, table: Table<Row>): Response {
  const chunks = format === 'csv' ? csvOf(table) : parquetOf(table);
  return new Response(streamOf(chunks), {
    headers: {
      'content-type': MEDIA_TYPES[format],
      'content-disposition': `attachment; filename="${table.name}.${format}"`,
      ...(table.rowCount === undefined ? {} : { [ROW_COUNT_HEADER]: String(table.rowCount) }),
    },
  });
}

function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done === true) return controller.close();
      controller.enqueue(next.value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}
