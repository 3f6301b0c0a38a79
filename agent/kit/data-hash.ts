/** Columns that are hashed together; all little-endian on every machine this product runs on. */
export interface HashedColumns {
  readonly time: BigInt64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

/**
 * The logical hash of a table of prices, in hex: SHA-256 over the number of rows (uint64), then the
 * columns one after another: time (int64, microseconds UTC), open, high, low, close, volume (float64),
 * everything little-endian. It does not depend on any file format.
 */
export async function dataHash(columns: HashedColumns): Promise<string> {
  const { time, open, high, low, close, volume } = columns;
  const hasher = new Bun.CryptoHasher('sha256');
  hasher.update(new BigUint64Array([BigInt(time.length)]));
  for (const column of [time, open, high, low, close, volume]) {
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
    for (let offset = 0; offset < bytes.length; offset += SLICE_BYTES) {
      hasher.update(bytes.subarray(offset, offset + SLICE_BYTES));
      // Other work of the event loop goes on between slices, each of which takes a few milliseconds.
      if (bytes.length > SLICE_BYTES) await nextTurn();
    }
  }
  return hasher.digest('hex');
}

const SLICE_BYTES = 2 * 1024 * 1024;

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
