import type { MsgpackReader, MsgpackWriter } from './msgpack';

/** How a value of one type is written and read, and what a missing key or nil stands for. */
export interface ValueCodec<T> {
  write(writer: MsgpackWriter, value: T): void;
  read(reader: MsgpackReader): T;
  readonly zero: T;
}

/** A structure of the protocol: a map with sorted keys when written, in any order when read. */
export type Structure<T> = Omit<ValueCodec<T>, 'zero'>;

/** Newer versions add keys; a map of thousands of them is an attack. */
const KEYS_MAX = 64;
const KEY_BYTES_MAX = 64;

/** Codec of a structure whose properties have the names of the wire. Unknown keys are skipped. */
export function structure<T extends object>(fields: {
  readonly [K in keyof T]-?: ValueCodec<T[K]>;
}): Structure<T> {
  const codecs = Object.entries(fields) as Array<[keyof T & string, ValueCodec<unknown>]>;
  codecs.sort(([a], [b]) => (a < b ? -1 : 1));
  const byName = new Map(codecs);
  const zero = Object.fromEntries(
    codecs.filter(([, codec]) => codec.zero !== undefined).map(([name, codec]) => [name, codec.zero]),
  ) as T;
  return {
    write(writer, value) {
      let count = 0;
      for (const [name] of codecs) if (value[name] !== undefined) count++;
      writer.mapOf(count);
      for (const [name, codec] of codecs) {
        if (value[name] === undefined) continue;
        writer.text(name);
        codec.write(writer, value[name]);
      }
    },
    read(reader) {
      const value = { ...zero };
      for (let left = reader.map(KEYS_MAX); left > 0; left--) {
        const name = reader.bytes(KEY_BYTES_MAX).toString('latin1') as keyof T & string;
        const codec = byName.get(name);
        if (codec === undefined) reader.skip();
        else if (!reader.skipNil()) value[name] = codec.read(reader) as T[typeof name];
      }
      return value;
    },
  };
}

export function integer(minimum: number, maximum: number): ValueCodec<number> {
  return {
    write: (writer, value) => writer.integer(value),
    read: (reader) => reader.integer(minimum, maximum),
    zero: 0,
  };
}

export const uint8 = integer(0, 0xff);
export const uint16 = integer(0, 0xffff);
export const uint32 = integer(0, 0xffff_ffff);
/** 64 bits on the wire, of which the safe integers are used. */
export const uint64 = integer(0, Number.MAX_SAFE_INTEGER);
export const int64 = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

export const boolean: ValueCodec<boolean> = {
  write: (writer, value) => writer.boolean(value),
  read: (reader) => reader.boolean(),
  zero: false,
};

export const float: ValueCodec<number> = {
  write: (writer, value) => writer.float(value),
  read: (reader) => reader.float(),
  zero: 0,
};

export function text(maxBytes: number): ValueCodec<string> {
  return {
    write: (writer, value) => writer.text(value),
    read: (reader) => reader.text(maxBytes),
    zero: '',
  };
}

const NO_BYTES = new Uint8Array(0);

/** Nil when empty, as Go writes a slice that was never made. Read as a copy: it must not hold its packet. */
export function bytes(maxBytes: number): ValueCodec<Uint8Array> {
  return {
    write: (writer, value) => (value.length === 0 ? writer.nil() : writer.bytes(value)),
    read: (reader) => new Uint8Array(reader.bytes(maxBytes)),
    zero: NO_BYTES,
  };
}

/** A key that is left out when there is nothing to say. */
export function optional<T>(codec: ValueCodec<T>): ValueCodec<T | undefined> {
  return {
    write: (writer, value) => (value === undefined ? writer.nil() : codec.write(writer, value)),
    read: (reader) => codec.read(reader),
    zero: undefined,
  };
}

/** A value that may be nil on the wire, null here. */
export function nullable<T>(codec: Structure<T>): ValueCodec<T | null> {
  return {
    write: (writer, value) => (value === null ? writer.nil() : codec.write(writer, value)),
    read: (reader) => (reader.skipNil() ? null : codec.read(reader)),
    zero: null,
  };
}

export function list<T>(codec: Structure<T>, maxCount: number): ValueCodec<readonly T[]> {
  return {
    write(writer, values) {
      writer.arrayOf(values.length);
      for (const value of values) codec.write(writer, value);
    },
    read: (reader) => Array.from({ length: reader.array(maxCount) }, () => codec.read(reader)),
    zero: [],
  };
}

export interface MapLimits {
  keyBytesMax: number;
  countMax: number;
}

/** A map from text, its keys sorted when written. */
export function mapOf<T>(codec: ValueCodec<T>, limits: MapLimits): ValueCodec<ReadonlyMap<string, T>> {
  return {
    write(writer, values) {
      writer.mapOf(values.size);
      for (const [key, value] of [...values].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        writer.text(key);
        codec.write(writer, value);
      }
    },
    read(reader) {
      const values = new Map<string, T>();
      for (let left = reader.map(limits.countMax); left > 0; left--) {
        const key = reader.text(limits.keyBytesMax);
        values.set(key, reader.skipNil() ? codec.zero : codec.read(reader));
      }
      return values;
    },
    zero: new Map(),
  };
}
