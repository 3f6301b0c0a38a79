import { describe, expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { planSweep, type SweepPlan } from './plan';
import { planRandom } from './random';

const smaCross = strategyNamed('sma_cross');
const grid = { fast: { from: 2, to: 31, step: 1 }, slow: { from: 10, to: 60, step: 1 } };
const valuesOf = (plan: SweepPlan): string[] =>
  Array.from({ length: plan.unitCount }, (_, unit) => JSON.stringify(plan.parametersAt(unit)));

describe('planRandom()', () => {
  test('draws different valid combinations of the grid, in its order, the same for the same seed', () => {
    const all = valuesOf(planSweep(smaCross, grid));
    const drawn = valuesOf(planRandom(smaCross, grid, { samples: 100, seed: 7 }));
    expect(drawn).toHaveLength(100);
    expect(all.filter((values) => drawn.includes(values))).toEqual(drawn);
    expect(valuesOf(planRandom(smaCross, grid, { samples: 100, seed: 7 }))).toEqual(drawn);
    expect(valuesOf(planRandom(smaCross, grid, { samples: 100, seed: 8 }))).not.toEqual(drawn);
  });

  test('keeps its draws: a change here changes what a seed means', () => {
    const plan = planRandom(smaCross, grid, { samples: 5, seed: 1 });
    const units = Array.from({ length: 5 }, (_, unit) => plan.parametersAt(unit));
    expect(units.map(({ fast, slow }) => [fast, slow])).toEqual([
      [14, 16],
      [14, 40],
      [16, 50],
      [22, 44],
      [27, 41],
    ]);
  });

  test('draws each combination equally often', () => {
    const counts = new Map<string, number>();
    const small = { fast: { values: [2, 3] }, slow: { values: [3, 5, 7] } };
    for (let seed = 0; seed < 3000; seed++) {
      for (const values of valuesOf(planRandom(smaCross, small, { samples: 2, seed }))) {
        counts.set(values, (counts.get(values) ?? 0) + 1);
      }
    }
    // Five are valid: 1,200 each, with a deviation of 27.
    expect(counts.size).toBe(5);
    for (const count of counts.values()) expect(Math.abs(count - 1200)).toBeLessThan(120);
  });

  test('of all there are is the grid', () => {
    const all = planSweep(smaCross, grid);
    expect(valuesOf(planRandom(smaCross, grid, { samples: all.unitCount, seed: 3 }))).toEqual(valuesOf(all));
  });

  test('searches where a grid would have too many combinations', () => {
    const wide = { fast: { from: 1, to: 10_000, step: 1 }, slow: { from: 1, to: 10_000, step: 1 } };
    const plan = planRandom(smaCross, wide, { samples: 500, seed: 1 });
    expect(new Set(valuesOf(plan)).size).toBe(500);
    expect(plan.rawCount).toBe(100_000_000);
    const units = Array.from({ length: 500 }, (_, unit) => plan.parametersAt(unit));
    expect(units.every(({ fast, slow }) => Number(fast) < Number(slow))).toBeTrue();
    const mean = units.reduce((sum, { slow }) => sum + Number(slow), 0) / 500;
    expect(Math.abs(mean - 6667)).toBeLessThan(350);
  });

  const axis = (to: number) => ({ from: 1, to, step: 1 });
  const below = { fast: { from: 5001, to: 10_000, step: 1 }, slow: { from: 1, to: 5000, step: 1 } };
  test.each([
    [
      { fast: axis(3), slow: axis(3) },
      'Cannot draw 9 combinations of sma_cross: the grid has 3 with fast < slow',
    ],
    [below, 'Cannot draw 9 combinations of sma_cross: the grid has 0 with fast < slow'],
    [{ fast: axis(1e6), slow: axis(1e6) }, 'Cannot sweep 10^12 combinations: the limit is 1,000,000,000'],
    [{ fast: axis(2e6) }, 'Cannot sweep fast: it has 2,000,000 values, the limit is 1,000,000'],
  ])('refuses %j', (specification, message) => {
    let fault: unknown;
    try {
      planRandom(smaCross, specification, { samples: 9, seed: 1 });
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code: 'invalid', message });
  });

  test('answers no unit outside its numbers', () => {
    const plan = planRandom(smaCross, grid, { samples: 3, seed: 1 });
    for (const unit of [-1, 3, 0.5, NaN]) expect(() => plan.parametersAt(unit)).toThrow(RangeError);
  });
});
