import type { Refuse } from './refusal';

/** Whole lines, with the number of the first one; only the last block may end without a line break. */
export interface LineBlock {
  readonly bytes: Uint8Array;
  readonly firstLine: number;
  readonly lineCount: number;
}

/** Cuts a byte stream at line breaks; a block has at most two slices, so parsing it takes a few milliseconds. */
export async function* lineBlocks(
  source: AsyncIterable<Uint8Array>,
  refuse: Refuse,
): AsyncGenerator<LineBlock, void, undefined> {
  let rest: Uint8Array = new Uint8Array();
  let firstLine = 1;
  for await (const chunk of source) {
    for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
      const slice = chunk.subarray(from, from + SLICE_BYTES);
      const bytes = rest.length === 0 ? slice : Buffer.concat([rest, slice]);
      const end = bytes.lastIndexOf(LINE_FEED) + 1;
      // Only the first line can be longer than a slice: it may have begun in an earlier one.
      checkFirstLine(bytes, firstLine, refuse);
      // A copy: the giver of a chunk may use its memory again.
      rest = Uint8Array.from(bytes.subarray(end));
      if (end === 0) continue;
      const block = {
        bytes: bytes.subarray(0, end),
        firstLine,
        lineCount: countLines(bytes.subarray(0, end)),
      };
      yield block;
      firstLine += block.lineCount;
    }
  }
  if (rest.length > 0) yield { bytes: rest, firstLine, lineCount: 1 };
}

const SLICE_BYTES = 64 * 1024;
/** A row of bars has about 70 bytes. */
const LINE_BYTES_MAX = SLICE_BYTES;
const LINE_FEED = 10;

function checkFirstLine(bytes: Uint8Array, line: number, refuse: Refuse): void {
  if (bytes.length <= LINE_BYTES_MAX) return;
  const end = bytes.indexOf(LINE_FEED);
  if (end !== -1 && end <= LINE_BYTES_MAX) return;
  throw refuse(
    `line ${line} is longer than 64 KiB`,
    'give a text file with one bar a line; lines end with a line feed',
  );
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}
