/**
 * A sweep on a real fleet of two agents beside two bare engines that share the same units:
 * `bun run build && bun test/bench/sweep.bench.ts [units] [bars] [rounds]`, default 10000 500000 3.
 * The figure is bare time / fleet time, round by round: 1 is a fleet that costs nothing.
 */
import { COLLECT_METRICS_ONLY } from '#agent/engine/backtest/request';
import { runBacktest } from '#agent/engine/backtest/run';
import { createScratch } from '#agent/engine/backtest/scratch';
import { createBars, type BarColumns } from '#agent/engine/bars';
import { importBars } from '#agent/engine/bars-import/import-bars';
import { createIndicatorCache } from '#agent/engine/indicators/cache';
import { planSweep } from '#agent/engine/search/plan';
import { strategyNamed } from '#agent/engine/strategy/registry';
import { present } from '#agent/kit/assert';
import { Fleet } from '#test/support/fleet';
import { randomWalkCsv, untilOver } from '#test/support/sweep-run';

const PROCESSES = 2;
const [first, ...rest] = process.argv.slice(2);
if (first === '--bare') await bareEngine(rest.map(Number));
else await main([first ?? '10000', ...rest].map(Number));

async function main([units = 10_000, bars = 500_000, rounds = 3]: number[]): Promise<void> {
  await using fleet = await Fleet.start({ agents: PROCESSES, lease: '30s' });
  const csv = new Blob([randomWalkCsv(bars)]);
  const imported = await fleet.cli(['data', 'import', '-', '--symbol', 'WALK', '--timeframe', '1m'], {
    stdin: csv,
  });
  if (imported.code !== 0) throw new Error(imported.stderr);
  // The agents fetch the bars once, as the bare engines read theirs before they are timed.
  await fleetSeconds(fleet, 100);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const bare = await bareSeconds(units, bars);
    const whole = await fleetSeconds(fleet, units);
    ratios.push(bare / whole);
    console.log(
      `round ${round + 1}: bare ${bare.toFixed(2)} s, fleet ${whole.toFixed(2)} s, ratio ${(bare / whole).toFixed(3)}`,
    );
  }
  const median = present(ratios.toSorted((a, b) => a - b)[Math.floor(rounds / 2)], 'a round');
  console.log(`${units} units × ${bars} bars: two bare engines / fleet of two agents = ${median.toFixed(3)}`);
  await fleet.stop();
}

function gridOf(units: number) {
  return { fast: { from: 5, to: 54, step: 1 }, slow: { from: 100, to: 100 + units / 50 - 1, step: 1 } };
}

/** From the submission to the last accepted result. */
async function fleetSeconds(fleet: Fleet, units: number): Promise<number> {
  const startedMs = performance.now();
  const { body } = await fleet.api('POST', '/api/v1/sweeps/start', {
    strategy_name: 'sma_cross',
    symbol: 'WALK',
    timeframe: '1m',
    grid: gridOf(units),
  });
  const { operation_id: id } = body['data'] as { operation_id: string };
  const status = await untilOver(fleet, id, 600_000);
  if (status !== 'completed') throw new Error(`the sweep ${status}`);
  return (performance.now() - startedMs) / 1000;
}

/** Both engines start when both are ready; the later end counts. */
async function bareSeconds(units: number, bars: number): Promise<number> {
  const engines = Array.from({ length: PROCESSES }, (_, index) =>
    Bun.spawn([process.execPath, import.meta.path, '--bare', String(units), String(bars), String(index)], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    }),
  );
  const readers = engines.map((engine) => engine.stdout.getReader());
  for (const reader of readers) await reader.read();
  const startedMs = performance.now();
  for (const engine of engines) {
    void engine.stdin.write('go\n');
    await engine.stdin.end();
  }
  for (const engine of engines) await engine.exited;
  return (performance.now() - startedMs) / 1000;
}

/** Every second unit of the plan, with nothing around it. */
async function bareEngine([units = 0, length = 0, index = 0]: number[]): Promise<void> {
  const strategy = strategyNamed('sma_cross');
  const plan = planSweep(strategy, gridOf(units));
  const bars = createBars('WALK', '1m', await columnsOf(randomWalkCsv(length)));
  const shared = { bars, strategy, cache: createIndicatorCache(), scratch: createScratch() };
  console.log('ready');
  for await (const _ of Bun.stdin.stream()) break;
  for (let unit = index; unit < plan.unitCount; unit += PROCESSES) {
    runBacktest({ ...shared, parameters: plan.parametersAt(unit), collect: COLLECT_METRICS_ONLY });
  }
}

async function columnsOf(csv: string): Promise<BarColumns> {
  const chunks: BarColumns[] = [];
  const source = new Blob([csv]).stream();
  for await (const chunk of importBars(source, { symbol: 'WALK', timeframe: '1m', onBad: 'reject' }))
    chunks.push(chunk);
  const join = (name: 'open' | 'high' | 'low' | 'close' | 'volume'): Float64Array =>
    Float64Array.from(chunks.flatMap((chunk) => [...chunk[name]]));
  return {
    time: BigInt64Array.from(chunks.flatMap((chunk) => [...chunk.time])),
    open: join('open'),
    high: join('high'),
    low: join('low'),
    close: join('close'),
    volume: join('volume'),
  };
}
