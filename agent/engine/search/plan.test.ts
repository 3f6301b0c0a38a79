import { describe, expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { STRATEGIES, strategyNamed } from '#agent/engine/strategy/registry';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { countCombinations, createGrid } from './grid';
import { planSweep } from './plan';
import { gridSpecificationSchema } from './specification';
import type { GridSpecification } from './specification';

const smaCross = strategyNamed('sma_cross');

describe('planSweep()', () => {
  test('numbers the valid combinations, last axis fastest, whatever the order of the keys', () => {
    const forwards = planSweep(smaCross, { fast: { values: [2, 3, 5] }, slow: { from: 3, to: 5, step: 2 } });
    const backwards = planSweep(smaCross, { slow: { from: 3, to: 5, step: 2 }, fast: { values: [2, 3, 5] } });
    const units = Array.from({ length: forwards.unitCount }, (_, unit) => forwards.parametersAt(unit));
    expect(units.map(({ fast, slow }) => [fast, slow])).toEqual([
      [2, 3],
      [2, 5],
      [3, 5],
    ]);
    expect(units[0]).toEqual({ fast: 2, slow: 3, average: 'sma', allow_short: false });
    expect(forwards.rawCount).toBe(6);
    expect(units.map((_, unit) => backwards.parametersAt(unit))).toEqual(units);
  });

  test('takes fixed values, words and truth values', () => {
    const plan = planSweep(smaCross, {
      fast: 10,
      average: { values: ['sma', 'ema'] },
      allow_short: { values: [true, false] },
    });
    expect(plan.unitCount).toBe(4);
    expect(plan.axes.map(({ name }) => name)).toEqual(['fast', 'average', 'allow_short']);
    expect(plan.parametersAt(3)).toEqual({ fast: 10, slow: 50, average: 'ema', allow_short: false });
  });

  test('keeps the end of a range of decimal fractions, and its round numbers', () => {
    const plan = planSweep(strategyNamed('rsi_reversion'), { lower: { from: 0.1, to: 0.5, step: 0.1 } });
    const { values } = plan.axes[0] ?? { values: [] };
    expect(values).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
  });

  test.each(STRATEGIES.map((strategy) => [strategy.name, strategy] as const))(
    '%s has a grid of its own, and every unit of it is valid',
    (_, strategy) => {
      const plan = planSweep(strategy);
      expect(plan.unitCount).toBeGreaterThan(1000);
      expect(planSweep(strategy, {}).unitCount).toBe(plan.unitCount);
      for (let unit = 0; unit < plan.unitCount; unit += 13) {
        const values = plan.parametersAt(unit);
        expect(parseParameters(strategy, values)).toEqual(values);
      }
    },
  );

  test('answers no unit outside its numbers', () => {
    const plan = planSweep(smaCross, { fast: { values: [5, 6] } });
    for (const unit of [-1, 2, 0.5, NaN]) expect(() => plan.parametersAt(unit)).toThrow(RangeError);
    const grid = createGrid(smaCross, { fast: { values: [5, 6] } });
    for (const index of [-1, 2, 0.5, NaN]) expect(() => grid.at(index)).toThrow(RangeError);
  });
});

const million = { from: 1, to: 1_000_000, step: 1 };

test.each<[GridSpecification, string, string]>([
  [{ fats: 3 }, "Cannot sweep sma_cross: there is no parameter 'fats'", "did you mean 'fast'?"],
  [
    { fast: million, slow: million },
    'Cannot sweep 10^12 combinations: the limit is 1,000,000',
    'coarsen the steps, fast first',
  ],
  [
    { fast: million, slow: { from: 1, to: 2, step: 1 } },
    'Cannot sweep 2,000,000 combinations: the limit is 1,000,000',
    'coarsen the steps, fast first (values: fast 1,000,000, slow 2)',
  ],
  [{ fast: { from: 5, to: 1, step: 1 } }, 'Cannot sweep fast: its range ends at 1, before 5', 'swap'],
  [{ fast: { values: [5, 5] } }, 'Cannot sweep fast: its list holds a value twice', 'list each'],
  [
    { fast: { from: 1, to: 5, step: 0.5 } },
    'Cannot use parameters of sma_cross: fast must be a whole number from 1 to 10000, got 1.5',
    'sma_cross takes',
  ],
  [
    { slow: { from: 100, to: 20_000, step: 100 } },
    'Cannot use parameters of sma_cross: slow must be a whole number from 1 to 10000, got 20000',
    'sma_cross takes',
  ],
  [
    { fast: 50, slow: { from: 10, to: 50, step: 10 } },
    'Cannot sweep sma_cross: none of 5 combinations has fast < slow',
    'choose ranges',
  ],
])('planSweep() refuses %j', (specification, message, hint) => {
  let fault: unknown;
  try {
    planSweep(smaCross, specification);
  } catch (error) {
    fault = error;
  }
  expect(fault).toBeInstanceOf(Fault);
  expect(fault).toMatchObject({ code: 'invalid', message });
  expect((fault as Fault).hint).toStartWith(hint);
});

test('countCombinations() is exact beyond what numbers can hold', () => {
  const axis = { from: 0, to: 9_999_999_999, step: 1 };
  expect(countCombinations({ a: axis, b: axis, c: { values: [1, 2, 3] } })).toBe(3n * 10n ** 20n);
  expect(countCombinations({ a: { from: 0, to: 1e308, step: 1e-300 } })).toBe(2n ** 53n - 1n);
});

test('gridSpecificationSchema refuses a step of nothing and unknown keys', () => {
  const wrong = [
    { a: { from: 1, to: 2, step: 0 } },
    { a: { from: 1, to: 2 } },
    { a: { values: [] } },
    { a: null },
  ];
  for (const input of wrong) expect(gridSpecificationSchema.safeParse(input).success).toBeFalse();
  expect(gridSpecificationSchema.safeParse({ a: { from: 1, to: 2, step: 1, by: 2 } }).success).toBeFalse();
  expect(gridSpecificationSchema.safeParse({ a: { from: 1, to: 2, step: 1 }, b: 'x' }).success).toBeTrue();
});
