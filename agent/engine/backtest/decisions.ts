import type { Signals } from './signals';

/** Finds the bars whose close decides something, so that the bars between need no look. */
export interface Decisions {
  /** First bar t ≥ `bar` at which a flat account enters; the number of bars when there is none. */
  nextEntry(bar: number): number;
  /** First bar t ≥ `bar` at which a position of `side` is left. */
  nextExit(bar: number, side: number): number;
  /** 1 or −1 when bar t decides to enter, 0 when not. */
  entryAt(bar: number): number;
  /** No signal before this bar is acted upon. */
  holdUntil(bar: number): void;
  /** A stop or target ended a position of `side` within `bar`. */
  stopped(bar: number, side: number): void;
}

/** Asked for bars in ascending order, as a simulation does, it reads each column once. */
export function createDecisions(signals: Signals, firstDecision: number): Decisions {
  const { enterLong, exitLong, enterShort, exitShort } = signals;
  const { length } = enterLong;
  const longEntries = createCursor(enterLong);
  const longExits = createCursor(exitLong);
  const shortEntries = createCursor(enterShort);
  const shortExits = createCursor(exitShort);
  let from = firstDecision;
  let longFrom = 0;
  let shortFrom = 0;

  const entryAt = (bar: number): number => {
    const long = bar >= longFrom && enterLong[bar] === 1 && exitLong[bar] !== 1;
    const short = bar >= shortFrom && enterShort?.[bar] === 1 && exitShort?.[bar] !== 1;
    if (long === short) return 0;
    return long ? 1 : -1;
  };
  /** First bar from `bar` on that enters `side`, or either side when that is 0. */
  const nextEntryOf = (side: number, bar: number, before: number): number => {
    let candidate = bar;
    while (candidate < before) {
      const long = side === -1 ? length : longEntries.next(Math.max(candidate, longFrom));
      const short = side === 1 ? length : shortEntries.next(Math.max(candidate, shortFrom));
      candidate = Math.min(long, short);
      if (candidate >= before) return before;
      const entry = entryAt(candidate);
      if (entry !== 0 && (side === 0 || entry === side)) return candidate;
      candidate++;
    }
    return before;
  };
  return {
    entryAt,
    nextEntry: (bar) => nextEntryOf(0, Math.max(bar, from), length),
    nextExit(bar, side) {
      const first = Math.max(bar, from);
      const exit = (side === 1 ? longExits : shortExits).next(first);
      return enterShort === null ? exit : nextEntryOf(-side, first, exit);
    },
    holdUntil(bar) {
      from = bar;
    },
    stopped(bar, side) {
      if (signals.reentry !== 'fresh_signal') return;
      const column = side === 1 ? enterLong : enterShort;
      const cleared = column?.indexOf(0, bar) ?? -1;
      const freshFrom = cleared === -1 ? length : cleared;
      if (side === 1) longFrom = freshFrom;
      else shortFrom = freshFrom;
    },
  };

  /**
   * The first 1 at or after a bar. A typed array's own `indexOf` searches at the speed of memory, and
   * nothing is searched twice, but for a search that a stop before its end has thrown back.
   */
  function createCursor(column: Uint8Array | null): { next(bar: number): number } {
    let searchedFrom = 0;
    let at = column === null ? length : -1;
    return {
      next(bar) {
        if (column === null || (bar >= searchedFrom && bar <= at)) return at;
        searchedFrom = bar;
        at = column.indexOf(1, bar);
        if (at === -1) at = length;
        return at;
      },
    };
  }
}
