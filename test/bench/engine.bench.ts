/**
 * The engine beside its peers, interleaved in one run: `bun test/bench/engine.bench.ts`.
 * Each figure is the median over pairs of peer time / our time: above 1 we are faster.
 */
import { present } from '#agent/kit/assert';
import { seededRng } from '#agent/kit/rng';
import type { Bars } from '#agent/engine/bars';
import { COLLECT_METRICS_ONLY, DEFAULT_CAPITAL, DEFAULT_COSTS } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import { createScratch } from '#agent/engine/backtest/scratch';
import { simulate } from '#agent/engine/backtest/simulate';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { planSweep } from '#agent/engine/search/plan';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { randomBars } from '#test/support/random-bars';
import { loadSp500 } from '#test/support/sp500';

const strategy = strategyNamed('sma_cross');
const scratch = createScratch();
/** Computes every indicator anew, into the columns of the run before. */
const uncached = createIndicatorCache({ bytesMax: 0 });
const FAST = 20;
const SLOW = 50;
const parameters = parseParameters(strategy, { fast: FAST, slow: SLOW });

/** What one would write for this one strategy: two running sums, fills with costs, equity. */
function handWritten(bars: Bars): Float64Array {
  const { open, close, length } = bars;
  const equity = new Float64Array(length);
  const { commissionRate, slippageRate } = DEFAULT_COSTS;
  let cash = DEFAULT_CAPITAL.initialCapital;
  let shares = 0;
  let fast = 0;
  let slow = 0;
  let wanted = false;
  for (let i = 0; i < length; i++) {
    if (wanted && shares === 0) {
      const price = (open[i] as number) * (1 + slippageRate);
      const budget = DEFAULT_CAPITAL.positionFraction * cash;
      shares = Math.floor(budget / (price * (1 + commissionRate)));
      cash -= shares * price * (1 + commissionRate);
    } else if (!wanted && shares !== 0) {
      cash += shares * (open[i] as number) * (1 - slippageRate) * (1 - commissionRate);
      shares = 0;
    }
    const value = close[i] as number;
    equity[i] = cash + shares * value;
    fast += value;
    slow += value;
    if (i >= FAST) fast -= close[i - FAST] as number;
    if (i >= SLOW) slow -= close[i - SLOW] as number;
    wanted = i >= SLOW - 1 && fast / FAST > slow / SLOW;
  }
  return equity;
}

/** And the least that one would want to know of the equity: Sharpe ratio and drawdown of daily bars. */
function handWrittenFigures(equity: Float64Array): { sharpe: number; drawdown: number } {
  const { length } = equity;
  const returns = new Float64Array(length);
  let sum = 0;
  let previous = DEFAULT_CAPITAL.initialCapital;
  let peak = previous;
  let drawdown = 0;
  for (let i = 0; i < length; i++) {
    const value = equity[i] as number;
    const change = value / previous - 1;
    returns[i] = change;
    sum += change;
    previous = value;
    if (value > peak) peak = value;
    else drawdown = Math.max(drawdown, (peak - value) / peak);
  }
  const mean = sum / length;
  let squares = 0;
  for (let i = 0; i < length; i++) squares += ((returns[i] as number) - mean) ** 2;
  return { sharpe: (mean / Math.sqrt(squares / (length - 1))) * Math.sqrt(252), drawdown };
}

/** Indicators, decisions, fills and equity of the engine; of its report not even the metrics. */
function engineWithoutMetrics(bars: Bars): Float64Array {
  uncached.beginRun();
  const signals = strategy.signals(bars, parameters, uncached);
  const options = { firstBar: 0, costs: DEFAULT_COSTS, capital: DEFAULT_CAPITAL, scratch };
  return simulate(bars, signals, options).equity;
}

interface Pair {
  peer: () => unknown;
  ours: () => unknown;
  rounds: number;
  pairs: number;
}

interface Ratio {
  ratio: number;
  oursMs: number;
  peerMs: number;
}

/** Turn about, so that a busy machine slows both; the first fifth warms the compiler up. */
function compare({ peer, ours, rounds, pairs }: Pair): Ratio {
  const samples: Ratio[] = [];
  for (let pair = -Math.ceil(pairs / 5); pair < pairs; pair++) {
    const oursFirst = pair % 2 === 0;
    const first = timeMs(oursFirst ? ours : peer, rounds);
    const second = timeMs(oursFirst ? peer : ours, rounds);
    const [oursMs, peerMs] = oursFirst ? [first, second] : [second, first];
    if (pair >= 0) samples.push({ ratio: peerMs / oursMs, oursMs, peerMs });
  }
  const sorted = samples.toSorted((a, b) => a.ratio - b.ratio);
  return present(sorted[Math.floor(sorted.length / 2)], 'a pair');
}

function timeMs(work: () => unknown, rounds: number): number {
  const start = performance.now();
  for (let i = 0; i < rounds; i++) work();
  return (performance.now() - start) / rounds;
}

function report(what: string, peer: string, { ratio, oursMs, peerMs }: Ratio): void {
  const figures = `${ratio.toFixed(2)} × ${peer}`.padEnd(26);
  console.log(`${what.padEnd(44)} ${figures} (${oursMs.toFixed(3)} ms against ${peerMs.toFixed(3)} ms)`);
}

const sp500 = await loadSp500();
const long = randomBars(seededRng(1), { length: 500_000, timeframe: '1m', volatility: 0.001 });
const plan = planSweep(strategy);
const cache = createIndicatorCache();
let unit = 0;

for (const [bars, rounds, pairs] of [
  [sp500, 200, 25],
  [long, 2, 15],
] as const) {
  const size = `${bars.length.toLocaleString('en')} bars`;
  const equity = (): unknown => handWritten(bars);
  const bare = (): unknown => engineWithoutMetrics(bars);
  report(
    `two SMAs, ${size}, to equity`,
    'hand-written',
    compare({ peer: equity, ours: bare, rounds, pairs }),
  );
  const figures = (): unknown => handWrittenFigures(handWritten(bars));
  const whole = (): unknown =>
    runBacktest({ bars, strategy, parameters, collect: COLLECT_METRICS_ONLY, scratch, cache: uncached });
  report('… to 28 metrics against 2', 'hand-written', compare({ peer: figures, ours: whole, rounds, pairs }));
  const full = (): unknown => runBacktest({ bars, strategy, parameters, scratch, cache: uncached });
  report(
    '… and trades and equity points',
    'hand-written',
    compare({ peer: figures, ours: full, rounds, pairs }),
  );
}

const sweepUnit = (): unknown =>
  runBacktest({
    bars: sp500,
    strategy,
    parameters: plan.parametersAt(unit++ % plan.unitCount),
    cache,
    collect: COLLECT_METRICS_ONLY,
    scratch,
  });
const peer = (): unknown => handWrittenFigures(handWritten(sp500));
report(
  'one unit of a sweep, 5,105 bars',
  'hand-written',
  compare({ peer, ours: sweepUnit, rounds: 500, pairs: 25 }),
);
