import { describe, expect, test } from 'bun:test';
import { Float32, Float64, Int64, makeVector, Table, tableToIPC, vectorFromArray } from 'apache-arrow';
import { decodeBars, encodeBars } from './arrow-bars';
import type { BarColumns } from './bars';

function someColumns(length: number): BarColumns {
  const column = (factor: number) => Float64Array.from({ length }, (_, i) => 100 + Math.sin(i * factor));
  return {
    time: BigInt64Array.from({ length }, (_, i) => 1_700_000_000_000_000n + BigInt(i) * 60_000_000n),
    open: column(0.1),
    high: column(0.2),
    low: column(0.3),
    close: column(0.4),
    volume: column(0.5),
  };
}

function prices() {
  const price = () => makeVector(Float64Array.of(1, 2));
  return { open: price(), high: price(), low: price(), close: price(), volume: price() };
}

async function encode(columns: BarColumns): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeBars(columns)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('decodeBars() gives back what encodeBars() wrote, bit for bit', async () => {
  for (const length of [0, 1, 7, 5_105]) {
    const columns = someColumns(length);
    expect(decodeBars(await encode(columns))).toEqual(columns);
  }
});

test('encodeBars() yields views on the columns and copies none', async () => {
  const columns = someColumns(1_000);
  const buffers = new Set<ArrayBufferLike>();
  for await (const chunk of encodeBars(columns)) buffers.add(chunk.buffer);
  expect(buffers.has(columns.time.buffer)).toBe(true);
  expect(buffers.has(columns.volume.buffer)).toBe(true);
});

test('decodeBars() maps an aligned file without copying', async () => {
  const bytes = new Uint8Array(await encode(someColumns(100)));
  const decoded = decodeBars(bytes);
  expect(decoded.time.buffer).toBe(bytes.buffer);
  expect(decoded.volume.buffer).toBe(bytes.buffer);
});

test('decodeBars() joins the record batches of a stream', () => {
  const batch = (from: bigint): Table =>
    new Table({ ...prices(), time: vectorFromArray([from, from + 1n], new Int64()) });
  const bytes = tableToIPC(batch(1n).concat(batch(3n)), 'stream');
  const decoded = decodeBars(bytes);
  expect(decoded.time).toEqual(BigInt64Array.of(1n, 2n, 3n, 4n));
  expect(decoded.close).toEqual(Float64Array.of(1, 2, 1, 2));
});

describe('decodeBars() refuses', () => {
  const good = { ...prices(), time: vectorFromArray([1n, 2n], new Int64()) };
  const refused: [string, () => Uint8Array, string][] = [
    ['what is not Arrow', () => new TextEncoder().encode('time,open,high'), 'not Arrow IPC'],
    ['a file that is cut off', () => tableToIPC(new Table(good), 'file').slice(0, 600), 'cut off'],
    [
      'a missing column',
      () => tableToIPC(new Table({ ...good }).select(['time', 'open', 'high', 'low', 'close'])),
      "it has no column 'volume'",
    ],
    [
      'single precision',
      () => tableToIPC(new Table({ ...good, close: vectorFromArray([1, 2], new Float32()) })),
      "column 'close' is not float64",
    ],
    [
      'missing values',
      () => tableToIPC(new Table({ ...good, close: vectorFromArray([1, null], new Float64()) })),
      "column 'close' has 1 missing values",
    ],
    [
      'times that are not integers',
      () => tableToIPC(new Table({ ...good, time: good.open })),
      "column 'time' is not 64-bit microseconds",
    ],
  ];
  for (const [what, bytes, message] of refused) {
    test(what, () => expect(() => decodeBars(bytes())).toThrow(message));
  }
});
