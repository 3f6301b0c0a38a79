import { expect, test } from 'bun:test';
import { searchSpecificationSchema } from '#agent/engine/search/specification';
import { searchOf, walkForwardLengths, type SearchOptions } from './search-options';

test.each<[SearchOptions, object | undefined]>([
  [{}, undefined],
  [{ random: 500 }, { method: 'random', samples: 500 }],
  [
    { random: 500, seed: 7 },
    { method: 'random', samples: 500, seed: 7 },
  ],
  [
    { walkForward: walkForwardLengths('500:125'), gap: 5 },
    { method: 'walk_forward', train_bars: 500, test_bars: 125, gap_bars: 5, anchored: false },
  ],
  [
    { walkForward: walkForwardLengths('24mo:6mo'), anchored: true },
    { method: 'walk_forward', train_months: 24, test_months: 6, anchored: true },
  ],
])('searchOf(%j) is what a request takes', (options, search) => {
  expect(searchOf(options)).toEqual(search as never);
  if (search !== undefined) expect(searchSpecificationSchema.safeParse(search).success).toBeTrue();
});

test.each<[SearchOptions, string]>([
  [{ random: 5, walkForward: walkForwardLengths('5:2') }, 'two ways to search'],
  [{ seed: 5 }, '--seed belongs to --random'],
  [{ gap: 5 }, '--gap belongs to --walk-forward'],
  [{ random: 5, anchored: true }, '--anchored belongs to --walk-forward'],
])('searchOf(%j) is refused', (options, state) => {
  expect(() => searchOf(options)).toThrow(state);
});

test.each(['500', '500:', '24mo:6', '24m:6m', '-5:2', '5:2:1', ''])(
  'walkForwardLengths() refuses "%s"',
  (text) => {
    expect(() => walkForwardLengths(text)).toThrow('it is not two lengths in bars, or two in months');
  },
);
