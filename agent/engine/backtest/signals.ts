import { assert } from '#agent/kit/assert';

/**
 * What a strategy decides at the close of each bar, as columns over all bars; entry t may depend on
 * bars 0..t only, and is filled at the open of t + 1. One position at a time:
 * - an entry counts unless an exit of the same side, or an entry of the other side that counts, is
 *   decided at the same close;
 * - a position is closed by its exit column, and by an entry of the other side that counts: that one
 *   opens at the same open (a reversal);
 * - an entry for which the cash buys nothing is tried again at each open that follows a signal.
 * Bytes are 0 or 1.
 */
export interface Signals {
  readonly enterLong: Uint8Array;
  readonly exitLong: Uint8Array;
  /** Null: never short. */
  readonly enterShort: Uint8Array | null;
  readonly exitShort: Uint8Array | null;
  /** Distances in price units from the fill, read where the entry was decided; NaN or negative: none. */
  readonly stop: Float64Array | null;
  readonly target: Float64Array | null;
  /** Distance, read likewise, below the highest high (above the lowest low) from entry to the prior bar. */
  readonly trailing: Float64Array | null;
  /** Multiplies the size of the entry decided there; NaN: 1, zero or below: no entry. */
  readonly size: Float64Array | null;
  /**
   * May a side be entered again by the signal that a stop, target or trailing stop ended
   * (`while_signalled`, the default), or only once its entry column has been 0 (`fresh_signal`)?
   */
  readonly reentry?: 'while_signalled' | 'fresh_signal';
}

/** The columns of `Signals`, for code that walks over all of them. */
export const SIGNAL_COLUMNS = [
  'enterLong',
  'exitLong',
  'enterShort',
  'exitShort',
  'stop',
  'target',
  'trailing',
  'size',
] as const satisfies ReadonlyArray<keyof Signals>;

/** Signals of plain entries and exits: no stops, no sizes, long only unless both short columns are given. */
export function plainSignals(
  columns: Pick<Signals, 'enterLong' | 'exitLong'> & Partial<Pick<Signals, 'enterShort' | 'exitShort'>>,
): Signals {
  return {
    enterShort: null,
    exitShort: null,
    stop: null,
    target: null,
    trailing: null,
    size: null,
    ...columns,
  };
}

/**
 * Signals that hold the position wanted at each close: 1 long, 0 flat, −1 short. A position that a
 * stop ended is not entered again before the wanted position has changed.
 */
export function signalsOfTargets(targets: Int8Array): Signals {
  const { length } = targets;
  const enterLong = new Uint8Array(length);
  const enterShort = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const target = targets[i] as number;
    assert(target === 0 || target === 1 || target === -1, 'a target is 1, 0 or -1');
    enterLong[i] = Number(target === 1);
    enterShort[i] = Number(target === -1);
  }
  const exits = { exitLong: oppositeOf(enterLong), exitShort: oppositeOf(enterShort) };
  return { ...plainSignals({ enterLong, enterShort, ...exits }), reentry: 'fresh_signal' };
}

/** 1 where `column` is 0 and 0 where it is 1. */
export function oppositeOf(column: Uint8Array): Uint8Array {
  const opposite = column.slice();
  // Four bytes at a time; a fresh array begins at the start of its buffer.
  const words = new Uint32Array(opposite.buffer, 0, opposite.length >>> 2);
  const { length } = words;
  for (let i = 0; i < length; i++) words[i] = (words[i] as number) ^ 0x01010101;
  for (let i = 4 * length; i < opposite.length; i++) opposite[i] = 1 - (opposite[i] as number);
  return opposite;
}
