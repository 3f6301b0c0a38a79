import type { SearchSpecification, WalkForwardSpecification } from '#agent/engine/search/specification';
import { Fault } from '#agent/kit/error';

/** The flags of `sweep` that say how its grid is searched. */
export interface SearchOptions {
  random?: number | undefined;
  seed?: number | undefined;
  walkForward?: WalkForwardLengths | undefined;
  gap?: number | undefined;
  anchored?: boolean | undefined;
}

export type WalkForwardLengths = Pick<
  WalkForwardSpecification,
  'train_bars' | 'test_bars' | 'train_months' | 'test_months'
>;

/** Undefined is the whole grid. Throws Fault `bad_request` for flags that do not belong together. */
export function searchOf(options: SearchOptions): Partial<SearchSpecification> | undefined {
  const { random, seed, walkForward, gap, anchored = false } = options;
  if (random !== undefined && walkForward !== undefined) {
    throw misfit('--random and --walk-forward are two ways to search', 'give one of them');
  }
  if (seed !== undefined && random === undefined) {
    throw misfit('--seed belongs to --random', 'such as --random 500 --seed 7');
  }
  if ((gap !== undefined || anchored) && walkForward === undefined) {
    throw misfit(`--${anchored ? 'anchored' : 'gap'} belongs to --walk-forward`, EXAMPLE);
  }
  if (random !== undefined)
    return { method: 'random', samples: random, ...(seed === undefined ? {} : { seed }) };
  if (walkForward === undefined) return undefined;
  return {
    method: 'walk_forward',
    ...walkForward,
    anchored,
    ...(gap === undefined ? {} : { gap_bars: gap }),
  };
}

/** Parses `500:125` (bars) and `24mo:6mo` (months). */
export function walkForwardLengths(text: string): WalkForwardLengths {
  const [, train, trainUnit, test, testUnit] = /^(\d{1,9})(mo)?:(\d{1,9})(mo)?$/.exec(text) ?? [];
  if (train === undefined || test === undefined || trainUnit !== testUnit) {
    throw new Fault(
      'bad_request',
      `Cannot read --walk-forward ${text}: it is not two lengths in bars, or two in months`,
      { hint: EXAMPLE },
    );
  }
  return trainUnit === undefined
    ? { train_bars: Number(train), test_bars: Number(test) }
    : { train_months: Number(train), test_months: Number(test) };
}

const EXAMPLE = 'such as --walk-forward 500:125 (bars to train on : to test on) or --walk-forward 24mo:6mo';

function misfit(state: string, hint: string): Fault {
  return new Fault('bad_request', `Cannot read the command line: ${state}`, { hint });
}
