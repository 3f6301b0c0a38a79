import { nearest } from '#agent/kit/nearest';
import { parseBlock } from './csv-block';
import { excerpt } from './refusal';
import type { Refuse } from './refusal';

/** Where a file keeps its figures. */
export interface Layout {
  readonly delimiter: string;
  /** Fields of every row. */
  readonly width: number;
  /** Index of the date or of the whole time stamp. */
  readonly time: number;
  /** Index of the time of day, where a file keeps it apart from the date. */
  readonly clock: number | undefined;
  /** Indices of open, high, low, close, volume. */
  readonly figures: readonly number[];
  /** Names of columns that are not read. */
  readonly ignored: readonly string[];
}

export const FIGURES = ['open', 'high', 'low', 'close', 'volume'] as const;
/** The first one present is the time stamp; `date` may be completed by `time`. */
const TIME_NAMES = ['timestamp', 'datetime', 'date', 'time'];
const EXPECTED = 'the first line names the columns: date,open,high,low,close,volume';

/** Understands the first line of a file, whose number is `line`. */
export function readHeader(bytes: Uint8Array, line: number, refuse: Refuse): Layout {
  refuseOtherFormats(bytes, refuse);
  // The decoder drops a byte order mark.
  const text = new TextDecoder().decode(bytes);
  const delimiter = delimiterOf(text);
  const block = { bytes: new TextEncoder().encode(text), firstLine: line, lineCount: 1 };
  const titles = (parseBlock(block, delimiter, refuse)[0] ?? []).map((title) => title.trim());
  const names = titles.map((title) => title.toLowerCase());
  if (![...FIGURES, ...TIME_NAMES].some((name) => names.includes(name))) {
    throw refuse(`line ${line} is not a header: ${excerpt(text.trim())}`, EXPECTED);
  }
  const time = timeColumns(names);
  if (time === undefined) throw missing('date', names, { line, refuse });
  const figures = FIGURES.map((name) => {
    const index = names.indexOf(name);
    if (index === -1) throw missing(name, names, { line, refuse });
    if (names.lastIndexOf(name) !== index) {
      throw refuse(`line ${line} names two columns "${name}"`, 'keep one of them');
    }
    return index;
  });
  const read = new Set([time.time, time.clock, ...figures]);
  const ignored = titles.filter((_, index) => !read.has(index));
  return { delimiter, width: names.length, ...time, figures, ignored };
}

function timeColumns(names: string[]): { time: number; clock: number | undefined } | undefined {
  const name = TIME_NAMES.find((candidate) => names.includes(candidate));
  if (name === undefined) return undefined;
  const clock = name === 'date' ? names.indexOf('time') : -1;
  return { time: names.indexOf(name), clock: clock === -1 ? undefined : clock };
}

function missing(name: string, names: string[], at: { line: number; refuse: Refuse }): Error {
  const close = nearest(name, names);
  const meant = close === undefined ? '' : `; is it "${close}"?`;
  return at.refuse(`line ${at.line} names no column ${name}${meant}`, EXPECTED);
}

function delimiterOf(text: string): string {
  const counted = [',', ';', '\t'].map((candidate) => ({ candidate, count: text.split(candidate).length }));
  return counted.toSorted((a, b) => b.count - a.count)[0]?.candidate ?? ',';
}

/** Files that people give by mistake, by their first bytes. */
const OTHER_FORMATS: readonly { bytes: readonly number[]; name: string; hint: string }[] = [
  { bytes: [0x1f, 0x8b], name: 'compressed with gzip', hint: 'unpack it first: gunzip FILE' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], name: 'compressed with zstd', hint: 'unpack it first: unzstd FILE' },
  { bytes: [0x50, 0x4b, 3, 4], name: 'a zip archive or a spreadsheet', hint: 'unpack it, or save it as CSV' },
  { bytes: [0x50, 0x41, 0x52, 0x31], name: 'a Parquet file', hint: 'convert it to CSV' },
  { bytes: [0xff, 0xfe], name: 'UTF-16 text', hint: 'convert it: iconv -f UTF-16 -t UTF-8 FILE' },
  { bytes: [0xfe, 0xff], name: 'UTF-16 text', hint: 'convert it: iconv -f UTF-16 -t UTF-8 FILE' },
];

function refuseOtherFormats(start: Uint8Array, refuse: Refuse): void {
  const other = OTHER_FORMATS.find(({ bytes }) => bytes.every((byte, index) => start[index] === byte));
  if (other !== undefined) throw refuse(`it is ${other.name}, not CSV`, other.hint);
  if (start.includes(0)) throw refuse('it is binary, not CSV', EXPECTED);
}
