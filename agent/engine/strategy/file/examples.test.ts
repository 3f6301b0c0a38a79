import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRng } from '#agent/kit/rng';
import { findLookAhead } from '#agent/engine/backtest/look-ahead';
import { runBacktest } from '#agent/engine/backtest/run';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { planSweep } from '#agent/engine/search/plan';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { randomBars } from '#test/support/random-bars';
import { loadSp500 } from '#test/support/sp500';
import { parseStrategyFile } from './parse-strategy-file';

const FOLDER = join(import.meta.dirname, '../../../../installers/strategies');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
const sp500 = await loadSp500();

function example(fileName: string) {
  return parseStrategyFile(readFileSync(join(FOLDER, fileName), 'utf8'), fileName).strategy;
}

test('there are examples, named as their files', () => {
  expect(FILES.length).toBeGreaterThanOrEqual(4);
  for (const fileName of FILES) expect(`${example(fileName).name}.yaml`).toBe(fileName);
});

describe.each(FILES)('%s', (fileName) => {
  const strategy = example(fileName);

  test('trades on real bars, not before its warm-up', () => {
    const parameters = parseParameters(strategy, {});
    const { metrics, trades } = runBacktest({ bars: sp500, strategy, parameters });
    expect(metrics.totalTrades).toBeGreaterThan(10);
    expect(trades).toHaveLength(metrics.totalTrades);
    const { enterLong } = strategy.signals(sp500, parameters, createIndicatorCache());
    expect(enterLong.indexOf(1)).toBeGreaterThanOrEqual(strategy.warmupBars(parameters));
  });

  test('searches ranges that it allows', () => {
    const plan = planSweep(strategy);
    expect(plan.unitCount).toBeGreaterThan(10);
    for (const unit of [0, plan.unitCount - 1]) parseParameters(strategy, plan.parametersAt(unit));
  });

  test('decides the same in a sweep that shares its columns as alone', () => {
    const plan = planSweep(strategy);
    const rng = seededRng(3);
    const column = sp500.length * Float64Array.BYTES_PER_ELEMENT;
    // Room for a few columns only: most are let go of and written to again.
    const cache = createIndicatorCache({ bytesMax: 6 * column });
    for (let round = 0; round < 40; round++) {
      const parameters = plan.parametersAt(rng.below(plan.unitCount));
      const shared = runBacktest({ bars: sp500, strategy, parameters, cache });
      const alone = runBacktest({ bars: sp500, strategy, parameters });
      expect(shared.metrics).toEqual(alone.metrics);
    }
  });

  test('never looks ahead, at any bar', () => {
    const bars = randomBars(seededRng(11), { length: 400 });
    const everyCutoff = Array.from({ length: bars.length + 1 }, (_, i) => i);
    const plan = planSweep(strategy);
    const rng = seededRng(5);
    for (const input of [{}, plan.parametersAt(rng.below(plan.unitCount))]) {
      const parameters = parseParameters(strategy, input);
      expect(findLookAhead(bars, { strategy, parameters }, everyCutoff)).toBeUndefined();
    }
  });
});

test.each([
  {},
  { fast: 5, slow: 200 },
  { average: 'ema', allow_short: true },
  { average: 'wma', fast: 7, slow: 31, allow_short: true },
])('sma_cross.yaml is the built-in sma_cross to the bit with %j', (input) => {
  const runs = [example('sma_cross.yaml'), strategyNamed('sma_cross')].map((strategy) => {
    const parameters = parseParameters(strategy, input);
    return { parameters, result: runBacktest({ bars: sp500, strategy, parameters }) };
  });
  expect(runs[0]?.result.metrics.totalTrades).toBeGreaterThan(10);
  expect(runs[0]).toEqual(runs[1]);
  expect(JSON.stringify(runs[0])).toBe(JSON.stringify(runs[1]));
});

test('sma_cross.yaml is swept as the built-in sma_cross is', () => {
  expect(example('sma_cross.yaml').grid).toEqual(strategyNamed('sma_cross').grid);
  expect(planSweep(example('sma_cross.yaml')).unitCount).toBe(
    planSweep(strategyNamed('sma_cross')).unitCount,
  );
});
