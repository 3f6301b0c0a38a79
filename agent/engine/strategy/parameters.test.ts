import { describe, expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { describeParameters, parseParameters } from './parameters';
import { STRATEGIES, strategyNamed } from './registry';

const smaCross = strategyNamed('sma_cross');

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseParameters()', () => {
  test('fills in defaults in the order of the schema', () => {
    const values = parseParameters(smaCross, { slow: 100, fast: 10 });
    expect(values).toEqual({ fast: 10, slow: 100, average: 'sma', allow_short: false });
    expect(Object.keys(values)).toEqual(['fast', 'slow', 'average', 'allow_short']);
  });

  test.each([
    [{ fats: 3 }, "there is no parameter 'fats'", "did you mean 'fast'?"],
    [{ zzzzz: 3 }, "there is no parameter 'zzzzz'", 'it takes fast, slow, average, allow_short'],
    [{ fast: 0 }, 'fast must be a whole number from 1 to 10000, got 0', 'sma_cross takes fast'],
    [{ fast: 1.5 }, 'fast must be a whole number from 1 to 10000, got 1.5', 'sma_cross takes'],
    [{ fast: '5' }, "fast must be a whole number from 1 to 10000, got '5'", 'sma_cross takes'],
    [{ average: 'smma' }, "average must be one of sma, ema, wma, got 'smma'", 'sma_cross takes'],
    [{ allow_short: 1 }, 'allow_short must be true or false, got 1', 'sma_cross takes'],
    [{ fast: 50, slow: 20 }, 'fast < slow must hold, got fast = 50, slow = 20', 'change fast or slow'],
    [[], 'they must be an object, got []', 'sma_cross takes'],
    [null, 'they must be an object, got null', 'sma_cross takes'],
  ])('refuses %p', (input, problem, hint) => {
    const fault = faultOf(() => parseParameters(smaCross, input));
    expect(fault.code).toBe('invalid');
    expect(fault.message).toBe(`Cannot use parameters of sma_cross: ${problem}`);
    expect(fault.hint).toStartWith(hint);
  });

  test('names every problem in the details, and cuts what is absurdly long', () => {
    const fault = faultOf(() => parseParameters(smaCross, { fast: 0, slow: 'x'.repeat(1000) }));
    const problems = fault.details?.['problems'] as string[];
    expect(problems).toHaveLength(2);
    expect(problems[1]?.length).toBeLessThan(200);
  });
});

test('strategyNamed() suggests the nearest name', () => {
  const fault = faultOf(() => strategyNamed('sma_cros'));
  expect(fault.code).toBe('invalid');
  expect(fault.hint).toBe("did you mean 'sma_cross'? known strategies: rsi_reversion, sma_cross");
});

test('the registry is in alphabetical order', () => {
  const names = STRATEGIES.map(({ name }) => name);
  expect(names).toEqual(names.toSorted());
  expect(names.length).toBeGreaterThan(0);
});

test.each(STRATEGIES.map((strategy) => [strategy.name, strategy] as const))(
  '%s can be run and described without a word from the user',
  (_, strategy) => {
    expect(() => parseParameters(strategy, {})).not.toThrow();
    for (const { name, description } of describeParameters(strategy)) {
      expect(name).toMatch(/^[a-z][a-z_]*$/);
      expect(description).not.toBe('');
    }
  },
);

test('describeParameters() says type, range, words and default', () => {
  expect(describeParameters(smaCross)[0]).toEqual({
    name: 'fast',
    type: 'integer',
    description: 'bars in the fast average',
    minimum: 1,
    maximum: 10_000,
    default: 20,
  });
  expect(describeParameters(smaCross)[2]?.values).toEqual(['sma', 'ema', 'wma']);
});
