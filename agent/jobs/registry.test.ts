import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { Fault } from '#agent/kit/error';
import { JOB_KINDS, jobKindNamed, parseJobParameters } from './registry';
import { loadJob } from './runs';

const backtest = { strategy_name: 'sma_cross', symbol: 'SP500', timeframe: '1d' };
const STRATEGY_FILE = `name: breakout
version: "3.0"
parameters:
  bars: {default: 20, range: {from: 10, to: 30, step: 10}}
model:
  type: rules
  entries: {long: "close > high[1] + highest(high, bars)[1] - high[1]"}
  exits: {long: "close < lowest(low, bars)[1]"}
`;
const fileBacktest = {
  ...backtest,
  strategy_name: undefined,
  strategy: { file_name: 'my.yaml', text: STRATEGY_FILE },
};

test('the registry, the runs and the folders list the same kinds, alphabetically', async () => {
  const folders = readdirSync(import.meta.dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const names = JOB_KINDS.map((kind) => kind.name);
  expect(names).toEqual(folders.toSorted());
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(await loadJob(name)).toBeFunction();
  expect(loadJob('fly')).toBeUndefined();
  expect(loadJob('toString')).toBeUndefined();
});

test('jobKindNamed() suggests the kind that was meant', () => {
  expect(jobKindNamed('sweep').name).toBe('sweep');
  expect(() => jobKindNamed('sweeep')).toThrow(expect.objectContaining({ hint: "did you mean 'sweep'?" }));
});

describe('parseJobParameters() of a backtest', () => {
  const kind = jobKindNamed('backtesting');

  test('fills every default in, also those of the strategy, and is idempotent', () => {
    const parameters = parseJobParameters(kind, { ...backtest, parameters: { fast: 10 } });
    expect(parameters).toEqual({
      ...backtest,
      initial_capital: 100_000,
      commission: 0.001,
      slippage: 0.0005,
      position_fraction: 0.25,
      parameters: { fast: 10, slow: 50, average: 'sma', allow_short: false },
    });
    expect(parseJobParameters(kind, parameters)).toEqual(parameters);
  });

  test("takes KTRDR's allow_short for the strategy's parameter", () => {
    const parsed = parseJobParameters(kind, { ...backtest, allow_short: true });
    expect(parsed['parameters']).toMatchObject({ allow_short: true });
    expect(parsed).not.toHaveProperty('allow_short');
  });

  test('asks for the bars of both days, the end exclusive', () => {
    const parsed = parseJobParameters(kind, {
      ...backtest,
      start_date: '2020-02-28',
      end_date: '2020-02-29',
    });
    expect(kind.bars(parsed)).toEqual({
      symbol: 'SP500',
      timeframe: '1d',
      start: '2020-02-28',
      end: '2020-03-01',
    });
    const instants = { start_date: '2020-02-28T10:00:00Z', end_date: '2020-02-28T11:00:00Z' };
    expect(kind.bars(parseJobParameters(kind, { ...backtest, ...instants }))?.end).toBe(
      '2020-02-28T11:00:00Z',
    );
  });

  const refused: [string, unknown, string, string | undefined][] = [
    ['no object', 7, 'expected object', undefined],
    [
      'an unknown key',
      { ...backtest, comission: 1 },
      "there is no field 'comission'",
      "did you mean 'commission'?",
    ],
    ['a missing symbol', { ...backtest, symbol: undefined }, 'symbol: ', undefined],
    ['an unknown timeframe', { ...backtest, timeframe: '7m' }, 'timeframe: ', undefined],
    ['an impossible day', { ...backtest, start_date: '2020-02-30' }, 'start_date: must be a date', undefined],
    [
      'an end before the start',
      { ...backtest, start_date: '2020-01-02', end_date: '2020-01-01' },
      'end_date: must not be before start_date',
      undefined,
    ],
    [
      'an unknown strategy',
      { ...backtest, strategy_name: 'sma_crosss' },
      "Cannot find strategy 'sma_crosss'",
      "did you mean 'sma_cross'?",
    ],
    [
      'neither a name nor a file of a strategy',
      { ...backtest, strategy_name: undefined },
      'strategy_name: give either strategy_name or strategy: {file_name, text}',
      undefined,
    ],
    [
      'a name and a file of a strategy',
      { ...backtest, strategy: { file_name: 'my.yaml', text: STRATEGY_FILE } },
      'strategy_name: give either',
      undefined,
    ],
    [
      'a file of a strategy with a mistake',
      {
        ...fileBacktest,
        strategy: { file_name: 'my.yaml', text: STRATEGY_FILE.replace('highest', 'highst') },
      },
      "Cannot read my.yaml:7:38: there is no function 'highst'",
      "did you mean 'highest'?",
    ],
    [
      'a file name with a path',
      { ...fileBacktest, strategy: { file_name: '../my.yaml', text: STRATEGY_FILE } },
      'strategy.file_name: must be a file name without a path',
      undefined,
    ],
    [
      'too large a file of a strategy',
      { ...fileBacktest, strategy: { file_name: 'my.yaml', text: 'é'.repeat(200_000) } },
      'strategy.text: must have at most 262144 bytes',
      undefined,
    ],
    [
      'a parameter that the file of the strategy lacks',
      { ...fileBacktest, parameters: { barz: 3 } },
      "there is no parameter 'barz'",
      "did you mean 'bars'?",
    ],
    [
      'an unknown parameter of the strategy',
      { ...backtest, parameters: { fats: 3 } },
      "there is no parameter 'fats'",
      "did you mean 'fast'?",
    ],
    [
      'parameters that contradict each other',
      { ...backtest, parameters: { fast: 50, slow: 20 } },
      'fast < slow must hold',
      undefined,
    ],
    [
      'allow_short in two places',
      { ...backtest, allow_short: true, parameters: { allow_short: false } },
      'allow_short is given twice',
      undefined,
    ],
  ];
  for (const [what, input, message, hint] of refused) {
    test(`refuses ${what}`, () => {
      const fault = faultOf(() => parseJobParameters(kind, input));
      expect(fault.code).toBe('invalid');
      expect(fault.message).toContain(message);
      if (hint !== undefined) expect(fault.hint).toContain(hint);
    });
  }
});

describe('a strategy file', () => {
  test('is stored as it was sent, with its defaults, and named in lists', () => {
    const kind = jobKindNamed('backtesting');
    const parameters = parseJobParameters(kind, fileBacktest);
    expect(parameters).toMatchObject({ strategy: fileBacktest.strategy, parameters: { bars: 20 } });
    expect(parameters['strategy_name']).toBeUndefined();
    expect(kind.metadata(parameters)).toMatchObject({
      strategy_name: 'breakout',
      strategy_file: 'my.yaml',
    });
  });

  test('is swept over the ranges that it names', () => {
    const kind = jobKindNamed('sweep');
    const parameters = parseJobParameters(kind, fileBacktest);
    expect(parameters).toMatchObject({ grid: { bars: { from: 10, to: 30, step: 10 } } });
    expect(kind.split?.(parameters, null)?.units).toBe(3);
    expect(kind.metadata(parameters)).toMatchObject({ strategy_name: 'breakout' });
  });
});

describe('a sweep', () => {
  const kind = jobKindNamed('sweep');
  const axis = (to: number) => ({ from: 1, to, step: 1 });

  test('splits into about 64 batches of at most 500 units, and counts only valid combinations', () => {
    const sizes = [
      [
        { fast: axis(3), slow: { values: [2] } },
        { units: 1, unitsPerBatch: 1 },
      ],
      [
        { fast: axis(10), slow: axis(10) },
        { units: 45, unitsPerBatch: 1 },
      ],
      [
        { fast: axis(20), slow: { from: 21, to: 270, step: 1 } },
        { units: 5_000, unitsPerBatch: 79 },
      ],
      [
        { fast: axis(100), slow: { from: 101, to: 1_100, step: 1 } },
        { units: 100_000, unitsPerBatch: 500 },
      ],
    ] as const;
    for (const [grid, split] of sizes) {
      expect(kind.split?.(parseJobParameters(kind, { ...backtest, grid }), null)).toEqual(split);
    }
  });

  test('without a grid writes the grid of the strategy out', () => {
    expect(parseJobParameters(kind, backtest)['grid']).toHaveProperty('fast');
  });

  test('takes allow_short for a fixed axis', () => {
    const parsed = parseJobParameters(kind, { ...backtest, allow_short: true, grid: { fast: axis(5) } });
    expect(parsed['grid']).toEqual({ fast: axis(5), allow_short: true });
  });

  test('of 10^12 combinations is refused before anything is enumerated', () => {
    const grid = { fast: { from: 0, to: 1, step: 1e-12 } };
    const fault = faultOf(() => kind.split?.(parseJobParameters(kind, { ...backtest, grid }), null));
    expect(fault).toMatchObject({ code: 'invalid', hint: expect.stringContaining('coarsen') });
  });

  test('searches the whole grid, a seeded sample of it, or each combination in each window', () => {
    const grid = { fast: axis(10), slow: axis(10) };
    const parse = (search?: unknown) => parseJobParameters(kind, { ...backtest, grid, search });
    const bars = { symbol: 'SP500', timeframe: '1d', data_hash: 'd'.repeat(64), bar_count: 1000 };
    const units = (search: unknown) => kind.split?.(parse(search), bars).units;
    expect(parse()['search']).toEqual({ method: 'grid' });
    expect(parse({ method: 'random', samples: 20 })['search']).toMatchObject({ samples: 20, seed: 1 });
    expect(units({ method: 'grid' })).toBe(45);
    expect(units({ method: 'random', samples: 20 })).toBe(20);
    // Windows of 300 + 100 bars that move on by 100: seven of them.
    expect(units({ method: 'walk_forward', train_bars: 300, test_bars: 100 })).toBe(7 * 45);
    for (const [search, message] of [
      [{ method: 'random', samples: 46 }, 'Cannot draw 46 combinations of sma_cross: the grid has 45'],
      [{ method: 'walk_forward', train_bars: 1000, test_bars: 100 }, 'leaves nothing to test'],
      [{ method: 'walk_forward', train_months: 12, test_months: 3 }, 'the request has no start and end'],
      [{ method: 'walk_forward', train_bars: 12 }, 'search: walk_forward takes either'],
      [{ method: 'genetic' }, 'search.method: '],
    ] as const) {
      const fault = faultOf(() => units(search));
      expect(fault.code).toBe('invalid');
      expect(fault.message).toContain(message);
    }
  });

  test('refuses an unknown metric to rank by', () => {
    const fault = faultOf(() => parseJobParameters(kind, { ...backtest, rank_by: 'luck' }));
    expect(fault.message).toContain('rank_by: ');
  });
});

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('no fault was thrown');
}
