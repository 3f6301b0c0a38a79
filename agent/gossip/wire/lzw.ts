import { WireError } from './wire-error';

/**
 * LZW as GIF and Go's compress/lzw (LSB order, 8-bit literals) have it: codes of 9 to 12 bits, 256
 * clears the table, 257 ends the data, the width grows when the next code needs it, and the encoder
 * clears when the table is full. Format: GIF89a specification, appendix F.
 */
const CLEAR = 256;
const END = 257;
const WIDTH_MIN = 9;
const WIDTH_MAX = 12;
const CODE_MAX = (1 << WIDTH_MAX) - 1;

/** 4,096 strings in 16,384 places: a quarter full, so that a search takes a step or two. */
const TABLE_SIZE = 1 << 14;
const TABLE_MASK = TABLE_SIZE - 1;
const EMPTY = -1;

/** The compressed form, which for short or random data is the longer one. */
export function compressLzw(data: Uint8Array): Uint8Array {
  return new Encoder(data.length).encode(data);
}

class Encoder {
  #output: Uint8Array;
  #length = 0;
  #bits = 0;
  #bitCount = 0;
  #width = WIDTH_MIN;
  /** The code that was given out last. */
  #last = END;
  /** String (code of its start << 8 | its last byte) → its code, by open addressing. */
  readonly #strings = new Int32Array(TABLE_SIZE).fill(EMPTY);
  readonly #codes = new Uint16Array(TABLE_SIZE);

  constructor(inputLength: number) {
    // At worst each byte becomes a code of 12 bits, and a clear code comes with each full table.
    this.#output = new Uint8Array(Math.ceil(inputLength * 1.6) + 16);
  }

  encode(data: Uint8Array): Uint8Array {
    this.#write(CLEAR);
    let code = EMPTY;
    for (const byte of data) {
      if (code === EMPTY) {
        code = byte;
        continue;
      }
      const string = (code << 8) | byte;
      const place = this.#find(string);
      if (this.#strings[place] === string) {
        code = this.#codes[place] as number;
        continue;
      }
      this.#write(code);
      code = byte;
      if (this.#advance()) {
        this.#strings[place] = string;
        this.#codes[place] = this.#last;
      }
    }
    if (code !== EMPTY) {
      this.#write(code);
      this.#advance();
    }
    this.#write(END);
    if (this.#bitCount > 0) this.#output[this.#length++] = this.#bits & 0xff;
    return this.#output.subarray(0, this.#length);
  }

  /** Where a string is, or where it would be. */
  #find(string: number): number {
    let place = ((string * 0x9e37) >>> 3) & TABLE_MASK;
    while (this.#strings[place] !== EMPTY && this.#strings[place] !== string)
      place = (place + 1) & TABLE_MASK;
    return place;
  }

  /** Gives out the next code; false when the table was full and is empty now. */
  #advance(): boolean {
    this.#last++;
    if (this.#last === CODE_MAX) {
      this.#write(CLEAR);
      this.#width = WIDTH_MIN;
      this.#last = END;
      this.#strings.fill(EMPTY);
      return false;
    }
    if (this.#last === 1 << this.#width) this.#width++;
    return true;
  }

  #write(code: number): void {
    this.#bits |= code << this.#bitCount;
    this.#bitCount += this.#width;
    while (this.#bitCount >= 8) {
      this.#output[this.#length++] = this.#bits & 0xff;
      this.#bits >>>= 8;
      this.#bitCount -= 8;
    }
  }
}

/**
 * What was compressed. Throws WireError: `oversize` beyond `maxBytes` (a few bytes can stand for
 * megabytes), `malformed` for codes that nobody has given out and without the end code.
 */
export function decompressLzw(data: Uint8Array, maxBytes: number): Uint8Array {
  let output = new Uint8Array(Math.min(maxBytes, Math.max(256, data.length * 4)));
  let length = 0;
  // A string is its start (an earlier code) and one more byte.
  const starts = new Uint16Array(CODE_MAX + 1);
  const ends = new Uint8Array(CODE_MAX + 1);
  const lengths = new Uint16Array(CODE_MAX + 1).fill(1);
  let next = END;
  let width = WIDTH_MIN;
  let previous = EMPTY;
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  for (;;) {
    while (bitCount < width) {
      const byte = data[at++];
      if (byte === undefined) throw new WireError('malformed', 'compressed data has no end');
      bits |= byte << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;
    if (code === END) return output.subarray(0, length);
    if (code === CLEAR) {
      next = END;
      width = WIDTH_MIN;
      previous = EMPTY;
      continue;
    }
    // The only code that may be used before it is complete: the previous string and its own first byte.
    const isNew = code === next && previous !== EMPTY;
    if (code > CLEAR && (code > next || (code === next && !isNew))) {
      throw new WireError('malformed', `code ${code} of compressed data means nothing yet`);
    }
    const known = isNew ? previous : code;
    const size = (lengths[known] as number) + (isNew ? 1 : 0);
    if (length + size > maxBytes)
      throw new WireError('oversize', `more than ${maxBytes} bytes are compressed`);
    if (length + size > output.length) output = grown(output, length + size, maxBytes);
    const first = expand(output, length + (lengths[known] as number), known, { starts, ends });
    if (isNew) output[length + size - 1] = first;
    length += size;
    if (previous !== EMPTY && next <= CODE_MAX) {
      starts[next] = previous;
      ends[next] = first;
      lengths[next] = (lengths[previous] as number) + 1;
    }
    previous = code;
    next++;
    if (next >= 1 << width) {
      if (width < WIDTH_MAX) width++;
      else {
        // The table is full; an encoder that does not clear uses what there is.
        previous = EMPTY;
        next--;
      }
    }
  }
}

interface Strings {
  starts: Uint16Array;
  ends: Uint8Array;
}

/** Writes the string of a code so that it ends before `end`; its first byte. */
function expand(output: Uint8Array, end: number, code: number, { starts, ends }: Strings): number {
  let rest = code;
  let at = end - 1;
  while (rest > END) {
    output[at--] = ends[rest] as number;
    rest = starts[rest] as number;
  }
  output[at] = rest;
  return rest;
}

function grown(output: Uint8Array, needed: number, maxBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(maxBytes, Math.max(needed, output.length * 2)));
  larger.set(output);
  return larger;
}
