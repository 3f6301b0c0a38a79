import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { dataHash } from './data-hash';

function columns(length: number) {
  const fill = (from: number): Float64Array => Float64Array.from({ length }, (_, index) => from + index / 3);
  const time = BigInt64Array.from({ length }, (_, index) => BigInt(index) * 60_000_000n);
  return { time, open: fill(1), high: fill(2), low: fill(0), close: fill(1.5), volume: fill(100) };
}

test('dataHash() is the SHA-256 of the row count and the little-endian columns', async () => {
  const { time, open, high, low, close, volume } = columns(1000);
  const expected = createHash('sha256').update(new BigUint64Array([1000n]));
  for (const column of [time, open, high, low, close, volume]) expected.update(new Uint8Array(column.buffer));
  expect(await dataHash({ time, open, high, low, close, volume })).toBe(expected.digest('hex'));
});

test('dataHash() is the same for a view on a larger buffer, and for large columns hashed in slices', async () => {
  const large = columns(600_000);
  const view = {
    time: large.time.subarray(10, 510),
    open: large.open.subarray(10, 510),
    high: large.high.subarray(10, 510),
    low: large.low.subarray(10, 510),
    close: large.close.subarray(10, 510),
    volume: large.volume.subarray(10, 510),
  };
  const copy = {
    time: view.time.slice(),
    open: view.open.slice(),
    high: view.high.slice(),
    low: view.low.slice(),
    close: view.close.slice(),
    volume: view.volume.slice(),
  };
  expect(await dataHash(view)).toBe(await dataHash(copy));
  const changed = { ...large, volume: large.volume.slice() };
  changed.volume[599_999] = 7;
  expect(await dataHash(changed)).not.toBe(await dataHash(large));
});
