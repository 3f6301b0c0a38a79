import { CsvError, parse } from 'csv-parse/sync';
import type { LineBlock } from './line-blocks';
import type { Refuse } from './refusal';

/**
 * The fields of each line of a block. Lines without a quote need only be cut: with that a whole import is
 * faster than csv-parse alone (test/bench/import.bench.ts). Where there is a quote, csv-parse knows the rules.
 * A field may not hold a line break: bars never need one, and so each record is exactly one line.
 */
export function parseBlock(block: LineBlock, delimiter: string, refuse: Refuse): string[][] {
  return block.bytes.includes(QUOTE) ? parseQuoted(block, delimiter, refuse) : cut(block.bytes, delimiter);
}

const QUOTE = 34;
/** A byte order mark is the header's business: here it would be foreign. */
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

function cut(bytes: Uint8Array, delimiter: string): string[][] {
  const lines = TEXT.decode(bytes).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line).split(delimiter));
}

function parseQuoted(block: LineBlock, delimiter: string, refuse: Refuse): string[][] {
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
