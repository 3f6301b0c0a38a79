import { CsvError, parse } from 'csv-parse/sync';
import type { LineBlock } from './line-blocks';
import type { Refuse } from './refusal';

/**
 * The fields of each line of a block. csv-parse does the quoting; its synchronous form over blocks of whole
 * lines is half as fast again as its stream (test/bench/import.bench.ts) and needs no call-back per row.
 * A field may not hold a line break: bars never need one, and so each record is exactly one line.
 */
export function parseBlock(block: LineBlock, delimiter: string, refuse: Refuse): string[][] {
  const { bytes, firstLine, lineCount } = block;
  let records: string[][];
  try {
    records = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const within: unknown = error['lines'];
    if (error.code === 'CSV_QUOTE_NOT_CLOSED' || typeof within !== 'number') {
      throw unclosedQuote(block, refuse);
    }
    throw refuse(`line ${firstLine + within - 1} has a quote in the middle of a field`, QUOTE_HINT);
  }
  if (records.length !== lineCount) throw unclosedQuote(block, refuse);
  return records;
}

const QUOTE_HINT = 'quote whole fields ("1,5") or none';

function unclosedQuote({ bytes, firstLine }: LineBlock, refuse: Refuse): Error {
  const lines = new TextDecoder().decode(bytes).split('\n');
  const index = lines.findIndex((line) => (line.split('"').length - 1) % 2 === 1);
  return refuse(`line ${firstLine + Math.max(0, index)} has a quote that is not closed`, QUOTE_HINT);
}
