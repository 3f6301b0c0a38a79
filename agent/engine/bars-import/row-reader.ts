import type { QualityFinding } from '#agent/contract/bars';
import type { Timeframe } from '#agent/contract/timeframe';
import { emptyRow, timeText } from './bar-row';
import type { BarRow } from './bar-row';
import { parseBlock } from './csv-block';
import { FIGURES, readHeader } from './header';
import type { Layout } from './header';
import type { LineBlock } from './line-blocks';
import { excerpt } from './refusal';
import type { Refuse } from './refusal';
import { createRowQuality } from './row-quality';
import { DAY_US, parseStamp, STAMP_HINT } from './stamp';
import { counted, createTally } from './tally';
import type { Tally } from './tally';
import { createZone, UTC } from './zone';
import type { Zone } from './zone';

export interface RowReaderOptions {
  readonly timeframe: Timeframe;
  readonly timezone?: string | undefined;
}

/** Turns blocks of lines into rows, and remembers what was odd about single rows. */
export interface RowReader {
  readonly rowsRead: number;
  readonly zone: Zone;
  readonly impossible: Tally;
  /** Gives each row of a block to `take`, which copies it: the object is used again for the next row. */
  read(block: LineBlock, take: (row: BarRow) => void): void;
  /** Fault(invalid) when there was no header or no row. */
  end(): QualityFinding[];
}

export function createRowReader(options: RowReaderOptions, refuse: Refuse): RowReader {
  const { timeframe, timezone } = options;
  const zone = timezone === undefined ? UTC : createZone(timezone, refuse);
  const quality = createRowQuality(timeframe);
  const stamps = createStampReader(zone, refuse);
  const row = emptyRow();
  row.timeUs = -Infinity;
  let layout: Layout | undefined;
  let rowsRead = 0;

  return {
    get rowsRead() {
      return rowsRead;
    },
    zone,
    impossible: quality.impossible,
    read(block, take) {
      let rest: LineBlock | undefined = block;
      while (rest !== undefined && layout === undefined) {
        const { first, others } = splitFirstLine(rest);
        if (!isBlank(first.bytes)) layout = readHeader(first.bytes, first.firstLine, refuse);
        rest = others;
      }
      if (rest === undefined || layout === undefined) return;
      const records = parseBlock(rest, layout.delimiter, refuse);
      for (const [index, record] of records.entries()) {
        if (record.length === 1 && record[0]?.trim() === '') continue;
        row.line = rest.firstLine + index;
        checkWidth(record, layout, { line: row.line, refuse });
        const localUs = stamps.read(record, layout, row);
        readFigures(record, layout, { row, refuse });
        quality.check(row, localUs);
        rowsRead++;
        take(row);
      }
    },
    end() {
      if (layout === undefined)
        throw refuse('it is empty', 'give a file with a header and a row for each bar');
      if (rowsRead === 0) throw refuse('it has a header but no rows', 'give a row for each bar');
      const assumed = timezone === undefined ? assumedZone(stamps.withoutOffset, timeframe) : [];
      return [...quality.findings(), ...stamps.findings(), ...assumed, ...ignoredColumns(layout)];
    },
  };
}

interface StampReader {
  /** Rows whose stamp carries no offset. */
  readonly withoutOffset: number;
  /** Sets time and day of the row, which still holds those of the row before; gives its local time. */
  read(record: string[], layout: Layout, row: BarRow): number;
  findings(): QualityFinding[];
}

function createStampReader(zone: Zone, refuse: Refuse): StampReader {
  const ambiguous = createTally();
  let withoutOffset = 0;
  return {
    get withoutOffset() {
      return withoutOffset;
    },
    read(record, layout, row) {
      const text = stampText(record, layout);
      const stamp = parseStamp(text);
      if (stamp === undefined) {
        throw refuse(`line ${row.line}, column time: ${excerpt(text)} is not a time`, STAMP_HINT);
      }
      row.day = Math.floor(stamp.localUs / DAY_US);
      if (stamp.offsetUs !== undefined) {
        row.timeUs = stamp.localUs - stamp.offsetUs;
        return stamp.localUs;
      }
      withoutOffset++;
      const { utcUs, kind } = zone.toUtc(stamp.localUs, row.timeUs);
      row.timeUs = utcUs;
      if (kind !== 'exact') {
        const what = kind === 'twice' ? 'comes twice' : 'does not exist';
        ambiguous.note(() => `line ${row.line}: ${excerpt(text)} ${what}, taken as ${timeText(utcUs)}`);
      }
      return stamp.localUs;
    },
    findings: () =>
      ambiguous.findings({
        kind: 'ambiguous_time',
        severity: 'warning',
        message: `${counted(ambiguous.count, 'time')} that the clock of ${zone.id} shows twice or never; times with an offset are never unclear`,
      }),
  };
}

function stampText(record: string[], layout: Layout): string {
  const text = record[layout.time] ?? '';
  return layout.clock === undefined ? text : `${text.trim()} ${record[layout.clock]?.trim() ?? ''}`;
}

interface Place {
  readonly line: number;
  readonly refuse: Refuse;
}

function checkWidth(record: string[], layout: Layout, { line, refuse }: Place): void {
  if (record.length === layout.width) return;
  throw refuse(
    `line ${line} has ${counted(record.length, 'field')} where the header has ${layout.width}`,
    'complete or remove the line',
  );
}

function readFigures(
  record: string[],
  layout: Layout,
  { row, refuse }: { row: BarRow; refuse: Refuse },
): void {
  for (const [index, name] of FIGURES.entries()) {
    const text = record[layout.figures[index] as number] ?? '';
    const value = parseFigure(text);
    if (value === undefined) throw notANumber(name, text, { line: row.line, refuse });
    row[name] = value;
  }
}

const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const NO_FIGURE = /^\s*([+-]?)(nan|inf(?:inity)?)\s*$/i;

/** A decimal, or the NaN and infinity of floating point, which no bar can have and the checks then find. */
function parseFigure(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text);
  const [, sign, word] = NO_FIGURE.exec(text) ?? [];
  if (word === undefined) return undefined;
  if (word.toLowerCase() === 'nan') return Number.NaN;
  return sign === '-' ? -Infinity : Infinity;
}

function notANumber(name: string, text: string, { line, refuse }: Place): Error {
  const empty = text.trim() === '';
  const commas = /^\s*-?[\d.]*,\d+\s*$/.test(text);
  return refuse(
    `line ${line}, column ${name}: ${empty ? 'it is empty' : `${excerpt(text)} is not a number`}`,
    commas ? 'write decimals with a point and without thousands separators' : 'correct or remove the line',
  );
}

function assumedZone(count: number, timeframe: Timeframe): QualityFinding[] {
  if (count === 0) return [];
  const daily = timeframe === '1d' || timeframe === '1w';
  return [
    {
      kind: 'timezone_assumed',
      severity: daily ? 'info' : 'warning',
      count,
      message: `${counted(count, 'time')} without an offset, read as UTC; --timezone names another zone`,
      examples: [],
    },
  ];
}

function ignoredColumns({ ignored }: Layout): QualityFinding[] {
  if (ignored.length === 0) return [];
  return [
    {
      kind: 'column_ignored',
      severity: 'info',
      count: ignored.length,
      message: `${counted(ignored.length, 'column')} not read`,
      examples: ignored.slice(0, 5).map(excerpt),
    },
  ];
}

function splitFirstLine(block: LineBlock): { first: LineBlock; others: LineBlock | undefined } {
  const { bytes, firstLine, lineCount } = block;
  const feed = bytes.indexOf(10);
  const end = feed === -1 ? bytes.length : feed + 1;
  const first = { bytes: bytes.subarray(0, end), firstLine, lineCount: 1 };
  if (end === bytes.length) return { first, others: undefined };
  return {
    first,
    others: { bytes: bytes.subarray(end), firstLine: firstLine + 1, lineCount: lineCount - 1 },
  };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 10 || byte === 13);
}
