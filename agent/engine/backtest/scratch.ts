/**
 * Columns that a run needs only while it runs, kept for the next one: fresh pages cost more than what
 * is computed in them. A scratch belongs to one caller, whose runs follow one another.
 */
export interface Scratch {
  /** `length` numbers of arbitrary content, good until the same slot is asked for again. */
  float64(slot: 'equity' | 'returns', length: number): Float64Array;
}

export function createScratch(): Scratch {
  const columns = new Map<string, Float64Array>();
  return {
    float64(slot, length) {
      const known = columns.get(slot);
      if (known !== undefined && known.length >= length) {
        return known.length === length ? known : known.subarray(0, length);
      }
      const column = new Float64Array(length);
      columns.set(slot, column);
      return column;
    },
  };
}
