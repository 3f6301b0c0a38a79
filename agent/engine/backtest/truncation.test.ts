import { expect, test } from 'bun:test';
import { seededRng } from '#agent/kit/rng';
import { timeframeMs } from '#agent/contract/timeframe';
import { sliceIndices } from '#agent/engine/bars';
import type { Bars } from '#agent/engine/bars';
import { strategyNamed } from '#agent/engine/strategy/registry';
import type { Strategy } from '#agent/engine/strategy/strategy';
import { randomBars } from '#test/support/random-bars';
import { randomCosts, randomRisk, randomSignals, randomSizing } from '#test/support/random-strategy';
import { runBacktest } from './run';
import type { Signals } from './signals';

/** Decides on some bars what it decided there on all of them. */
function tossed(all: Signals): Strategy {
  const signals = ({ length }: Bars): Signals => ({
    ...all,
    enterLong: all.enterLong.subarray(0, length),
    exitLong: all.exitLong.subarray(0, length),
    enterShort: all.enterShort?.subarray(0, length) ?? null,
    exitShort: all.exitShort?.subarray(0, length) ?? null,
    stop: all.stop?.subarray(0, length) ?? null,
    target: all.target?.subarray(0, length) ?? null,
    trailing: all.trailing?.subarray(0, length) ?? null,
    size: all.size?.subarray(0, length) ?? null,
  });
  return { ...strategyNamed('sma_cross'), name: 'tossed', warmupBars: () => 5, signals };
}

test('taking the future away changes no closed trade and no equity before the end', () => {
  let closedTrades = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const rng = seededRng(seed);
    const bars = randomBars(rng, { length: 80, timeframe: '1h', volatility: 0.03 });
    const shared = {
      strategy: tossed(randomSignals(rng, bars.length, 3)),
      parameters: {},
      costs: randomCosts(rng),
      sizing: randomSizing(rng, 100_000),
      risk: randomRisk(rng, { volatility: 0.03, barMs: timeframeMs('1h') }),
    };
    const full = runBacktest({ bars, ...shared });
    for (let cutoff = 1; cutoff < bars.length; cutoff++) {
      const { trades, equity } = runBacktest({ bars: sliceIndices(bars, 0, cutoff), ...shared });
      const closed = trades.filter(({ exitReason }) => exitReason !== 'end_of_data');
      expect(closed).toEqual(full.trades.slice(0, closed.length));
      expect(equity.equity.slice(0, -1)).toEqual(full.equity.equity.slice(0, cutoff - 1));
      closedTrades += closed.length;
    }
  }
  expect(closedTrades).toBeGreaterThan(1000);
});

test('nothing is decided before the warm-up of the strategy is over', () => {
  const bars = randomBars(seededRng(1), { length: 20 });
  const always = new Uint8Array(20).fill(1);
  const never = new Uint8Array(20);
  const signals: Signals = { ...randomSignals(seededRng(1), 20, 1), enterLong: always, exitLong: never };
  const plain = { enterShort: null, exitShort: null, stop: null, target: null, trailing: null, size: null };
  const strategy = { ...tossed({ ...signals, ...plain }), warmupBars: () => 7 };
  const { trades } = runBacktest({ bars, strategy, parameters: {} });
  expect(trades.map(({ entryTimeUs }) => BigInt(entryTimeUs))).toEqual([bars.time[8] ?? 0n]);
});
