import { WireError } from './wire-error';

/**
 * MessagePack in the flavour of go-msgpack 0.5: strings and bytes are both the old "raw" type (never
 * str8, bin or ext), non-negative integers are unsigned, structures are maps with sorted keys. The
 * reader also takes what newer encoders write: str8, bin and signed integers.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec-old.md
 */
export class MsgpackWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  /** What was written so far; a view that later writes do not change. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  nil(): void {
    this.#byte(0xc0);
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2);
  }

  /** A safe integer of either sign, as short as it goes. */
  integer(value: number): void {
    if (value < 0) return this.#negative(value);
    if (value < 0x80) this.#byte(value);
    else if (value < 0x100) this.#head(0xcc, 1, value);
    else if (value < 0x1_0000) this.#head(0xcd, 2, value);
    else if (value < 0x1_0000_0000) this.#head(0xce, 4, value);
    else {
      const at = this.#reserve(9);
      this.#bytes[at] = 0xcf;
      this.#bytes.writeBigUInt64BE(BigInt(value), at + 1);
    }
  }

  float(value: number): void {
    const at = this.#reserve(9);
    this.#bytes[at] = 0xcb;
    this.#bytes.writeDoubleBE(value, at + 1);
  }

  text(value: string): void {
    // Names and keys are short and plain: their length in bytes is mostly that in characters.
    const length = Buffer.byteLength(value);
    this.#rawHead(length);
    const at = this.#reserve(length);
    this.#bytes.write(value, at);
  }

  bytes(value: Uint8Array): void {
    this.#rawHead(value.length);
    this.raw(value);
  }

  arrayOf(count: number): void {
    if (count < 16) this.#byte(0x90 | count);
    else if (count < 0x1_0000) this.#head(0xdc, 2, count);
    else this.#head(0xdd, 4, count);
  }

  mapOf(count: number): void {
    if (count < 16) this.#byte(0x80 | count);
    else if (count < 0x1_0000) this.#head(0xde, 2, count);
    else this.#head(0xdf, 4, count);
  }

  /** Bytes as they are, between or behind values. */
  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
  }

  #negative(value: number): void {
    if (value >= -32) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#head(0xd0, 1, value + 0x100);
    else if (value >= -0x8000) this.#head(0xd1, 2, value + 0x1_0000);
    else if (value >= -0x8000_0000) this.#head(0xd2, 4, value + 0x1_0000_0000);
    else {
      const at = this.#reserve(9);
      this.#bytes[at] = 0xd3;
      this.#bytes.writeBigInt64BE(BigInt(value), at + 1);
    }
  }

  #rawHead(length: number): void {
    if (length < 32) this.#byte(0xa0 | length);
    else if (length < 0x1_0000) this.#head(0xda, 2, length);
    else this.#head(0xdb, 4, length);
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  #head(type: number, width: 1 | 2 | 4, value: number): void {
    const at = this.#reserve(1 + width);
    this.#bytes[at] = type;
    this.#bytes.writeUIntBE(value, at + 1, width);
  }

  /** Where so many bytes go. Called before `#bytes` is named in a statement, since it may replace it. */
  #reserve(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}

/** Structures are at most this deep in any message; deeper is an attack on the stack. */
const DEPTH_MAX = 16;

/** Values that one reader skips at most: a stream looks at a part that is not whole again and again. */
const SKIPPED_MAX = 100_000;

/** Reads values one after the other. Throws WireError: truncated, malformed or oversize. */
export class MsgpackReader {
  readonly #bytes: Buffer;
  #skipped = 0;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.offset;
  }

  /** The next byte, which stays. */
  peek(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw new WireError('truncated', 'a value is missing');
    return byte;
  }

  /** So many bytes as they are; a view of the input, not a copy. */
  take(count: number): Buffer {
    const start = this.#skip(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** True and past it when the next value is nil, which stands for the zero value of any type. */
  skipNil(): boolean {
    if (this.peek() !== 0xc0) return false;
    this.offset++;
    return true;
  }

  boolean(): boolean {
    const type = this.#take();
    if (type === 0xc2 || type === 0xc3) return type === 0xc3;
    throw malformed('a boolean', type);
  }

  /** An integer from `minimum` to `maximum`, which must be safe integers. */
  integer(minimum: number, maximum: number): number {
    const value = this.#integer();
    if (value >= minimum && value <= maximum) return value;
    throw new WireError('malformed', `${value} is not from ${minimum} to ${maximum}`);
  }

  float(): number {
    const type = this.#take();
    if (type === 0xcb) return this.#bytes.readDoubleBE(this.#skip(8));
    if (type === 0xca) return this.#bytes.readFloatBE(this.#skip(4));
    throw malformed('a number', type);
  }

  /** UTF-8, strictly: a name that is none would not come back as the same bytes. */
  text(maxBytes: number): string {
    const bytes = this.bytes(maxBytes);
    try {
      return UTF8.decode(bytes);
    } catch {
      throw new WireError('malformed', 'a string is not UTF-8');
    }
  }

  /** A view of the input, not a copy. */
  bytes(maxBytes: number): Buffer {
    const length = this.#rawLength();
    if (length > maxBytes) throw new WireError('oversize', `${length} bytes where ${maxBytes} are allowed`);
    return this.take(length);
  }

  array(maxCount: number): number {
    const type = this.#take();
    const count = (type & 0xf0) === 0x90 ? type & 0x0f : this.#count(type, 0xdc, 'a list');
    return this.#checkCount(count, maxCount, 1);
  }

  map(maxCount: number): number {
    const type = this.#take();
    const count = (type & 0xf0) === 0x80 ? type & 0x0f : this.#count(type, 0xde, 'a map');
    return this.#checkCount(count, maxCount, 2);
  }

  /** Past one value of any type: a key that a newer version added. */
  skip(depth = 0): void {
    if (depth > DEPTH_MAX) throw new WireError('malformed', 'values are nested too deeply');
    const type = this.#take();
    if (type <= 0x7f || type >= 0xe0 || type === 0xc0 || type === 0xc2 || type === 0xc3) return;
    if ((type & 0xf0) === 0x80) return this.#skipValues((type & 0x0f) * 2, depth);
    if ((type & 0xf0) === 0x90) return this.#skipValues(type & 0x0f, depth);
    if (type === 0xdc || type === 0xdd) return this.#skipValues(this.#count(type, 0xdc, 'a list'), depth);
    if (type === 0xde || type === 0xdf) return this.#skipValues(this.#count(type, 0xde, 'a map') * 2, depth);
    const fixed = FIXED_SIZES[type];
    if (fixed !== undefined) return void this.#skip(fixed);
    this.offset--;
    this.#skip(this.#rawLength());
  }

  #skipValues(count: number, depth: number): void {
    this.#skipped += count;
    this.#checkCount(count, SKIPPED_MAX - this.#skipped + count, 1);
    for (let i = 0; i < count; i++) this.skip(depth + 1);
  }

  #integer(): number {
    const type = this.#take();
    if (type <= 0x7f) return type;
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xcc:
        return this.#take();
      case 0xcd:
        return this.#bytes.readUInt16BE(this.#skip(2));
      case 0xce:
        return this.#bytes.readUInt32BE(this.#skip(4));
      case 0xcf:
        return safe(this.#bytes.readBigUInt64BE(this.#skip(8)));
      case 0xd0:
        return this.#bytes.readInt8(this.#skip(1));
      case 0xd1:
        return this.#bytes.readInt16BE(this.#skip(2));
      case 0xd2:
        return this.#bytes.readInt32BE(this.#skip(4));
      case 0xd3:
        return safe(this.#bytes.readBigInt64BE(this.#skip(8)));
      default:
        throw malformed('an integer', type);
    }
  }

  #rawLength(): number {
    const type = this.#take();
    if ((type & 0xe0) === 0xa0) return type & 0x1f;
    switch (type) {
      case 0xd9:
      case 0xc4:
        return this.#take();
      case 0xda:
      case 0xc5:
        return this.#bytes.readUInt16BE(this.#skip(2));
      case 0xdb:
      case 0xc6:
        return this.#bytes.readUInt32BE(this.#skip(4));
      default:
        throw malformed('a string', type);
    }
  }

  #count(type: number, type16: number, what: string): number {
    if (type === type16) return this.#bytes.readUInt16BE(this.#skip(2));
    if (type === type16 + 1) return this.#bytes.readUInt32BE(this.#skip(4));
    throw malformed(what, type);
  }

  #checkCount(count: number, maxCount: number, bytesEach: number): number {
    if (count > maxCount) throw new WireError('oversize', `${count} entries where ${maxCount} are allowed`);
    // Every value has a byte at least: a count beyond that cannot be filled by what is there.
    if (count * bytesEach > this.remaining)
      throw new WireError('truncated', `${count} entries do not follow`);
    return count;
  }

  #take(): number {
    const value = this.peek();
    this.offset++;
    return value;
  }

  /** Past so many bytes; where they begin. */
  #skip(size: number): number {
    const start = this.offset;
    if (size > this.#bytes.length - start) throw new WireError('truncated', `${size} bytes do not follow`);
    this.offset = start + size;
    return start;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes behind the type byte, of values whose size their type says: numbers and ext. */
const FIXED_SIZES: Readonly<Record<number, number>> = {
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
  0xd4: 2,
  0xd5: 3,
  0xd6: 5,
  0xd7: 9,
  0xd8: 17,
};

/** Lamport clocks and nanoseconds are 64 bits wide; no honest one is beyond 2^53. */
function safe(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new WireError('malformed', 'an integer is beyond 2^53');
}

function malformed(expected: string, type: number): WireError {
  return new WireError('malformed', `${expected} was expected, type 0x${type.toString(16)} came`);
}
