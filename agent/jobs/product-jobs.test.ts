import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { attemptsFixture, REAL_WORKLOAD } from '#test/support/attempts';
import type { JobOverrides } from '#test/support/attempts';
import { loadSp500 } from '#test/support/sp500';
import { encodeBars } from '#agent/engine/arrow-bars';
import { KTRDR_METRIC_NAMES } from '#agent/engine/backtest/metric-table';
import { jobKindNamed, parseJobParameters } from './registry';
import { backtestResultSchema } from './backtesting/kind';

async function writeBars(path: string): Promise<number> {
  const bars = await loadSp500();
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeBars(bars)) chunks.push(chunk);
  await Bun.write(path, Buffer.concat(chunks));
  return bars.length;
}

interface Work {
  kind: string;
  parameters: Record<string, unknown>;
  barsPath: string;
  barCount: number;
  units?: { from: number; to: number; done: number[] };
}

function overrides({ kind, parameters, barsPath, barCount, units }: Work): JobOverrides {
  const base = { strategy_name: 'sma_cross', symbol: 'SP500', timeframe: '1d' };
  return {
    barsPath,
    grant: {
      kind,
      parameters: parseJobParameters(jobKindNamed(kind), { ...base, ...parameters }),
      bars: { symbol: 'SP500', timeframe: '1d', data_hash: 'd'.repeat(64), bar_count: barCount },
      units: units ?? null,
    },
  };
}

test('a backtest of real bars runs in the product’s own workload and names its data', async () => {
  await using fixture = await attemptsFixture({ shim: { workload_command: REAL_WORKLOAD } });
  const barsPath = join(fixture.runtimeDir, 'bars.arrow');
  const barCount = await writeBars(barsPath);
  const work = {
    kind: 'backtesting',
    parameters: { parameters: { fast: 10, slow: 100 } },
    barsPath,
    barCount,
  };
  await fixture.start(1, 'backtesting', overrides(work));
  const report = await fixture.result(1);
  expect(report.error).toBeNull();
  const result = backtestResultSchema.parse(report.result);
  for (const name of KTRDR_METRIC_NAMES) expect(result.metrics).toHaveProperty(name);
  expect(result.trades.length).toBe(result.metrics['total_trades'] as number);
  expect(result.trades_truncated).toBe(0);
  expect(result.bar_count).toBe(barCount);
  expect(result.equity.equity).toHaveLength(barCount);
  expect(report.provenance?.data_hash).toBe('d'.repeat(64));

  await fixture.start(2, 'backtesting', overrides(work));
  const again = await fixture.result(2);
  expect(again.provenance?.result_sha256).toBe(report.provenance?.result_sha256 as string);
});

test('a strategy file does in a job what the built-in strategy of its rules does', async () => {
  await using fixture = await attemptsFixture({ shim: { workload_command: REAL_WORKLOAD } });
  const barsPath = join(fixture.runtimeDir, 'bars.arrow');
  const barCount = await writeBars(barsPath);
  const path = join(import.meta.dirname, '../../installers/strategies/sma_cross.yaml');
  const strategy = { file_name: 'sma_cross.yaml', text: await Bun.file(path).text() };
  const fromFile = { strategy_name: undefined, strategy };
  await fixture.start(
    1,
    'backtesting',
    overrides({ kind: 'backtesting', parameters: {}, barsPath, barCount }),
  );
  await fixture.start(
    2,
    'backtesting',
    overrides({ kind: 'backtesting', parameters: fromFile, barsPath, barCount }),
  );
  const [builtIn, file] = [await fixture.result(1), await fixture.result(2)];
  expect(file.error).toBeNull();
  expect(file.result).toEqual(builtIn.result);

  const grid = { fast: { from: 5, to: 14, step: 1 }, slow: 50 };
  const units = { from: 0, to: 10, done: [] };
  const swept = { kind: 'sweep', parameters: { ...fromFile, grid }, barsPath, barCount, units };
  await fixture.start(3, 'sweep', overrides(swept));
  expect(await fixture.result(3)).toMatchObject({ outcome: 'completed', result: { units_evaluated: 10 } });
});

test('a batch of a sweep evaluates its units but those that are done', async () => {
  await using fixture = await attemptsFixture({ shim: { workload_command: REAL_WORKLOAD } });
  const barsPath = join(fixture.runtimeDir, 'bars.arrow');
  const barCount = await writeBars(barsPath);
  const parameters = { grid: { fast: { from: 5, to: 44, step: 1 }, slow: { from: 50, to: 150, step: 1 } } };
  const units = { from: 1_000, to: 1_500, done: [1_000, 1_234] };
  await fixture.start(1, 'sweep', overrides({ kind: 'sweep', parameters, barsPath, barCount, units }));
  const report = await fixture.result(1);
  expect(report).toMatchObject({ outcome: 'completed', result: { units_evaluated: 498, units_skipped: 2 } });
  const heard = fixture.heard(1).units;
  expect(heard.map((unit) => unit.unit_index)).toEqual(
    Array.from({ length: 500 }, (_, i) => 1_000 + i).filter((unit) => !units.done.includes(unit)),
  );
  expect(heard[0]?.parameters).toMatchObject({ fast: 14, slow: 142 });
  expect(heard[0]?.metrics['sharpe_ratio']).toBeNumber();
});

test('a batch of a walk forward trains and tests its units, across the border of two windows', async () => {
  await using fixture = await attemptsFixture({ shim: { workload_command: REAL_WORKLOAD } });
  const barsPath = join(fixture.runtimeDir, 'bars.arrow');
  const barCount = await writeBars(barsPath);
  const parameters = {
    grid: { fast: { from: 5, to: 14, step: 1 }, slow: { values: [50, 100] } },
    search: { method: 'walk_forward', train_bars: 1000, test_bars: 500, gap_bars: 5 },
  };
  const units = { from: 15, to: 25, done: [16] };
  await fixture.start(1, 'sweep', overrides({ kind: 'sweep', parameters, barsPath, barCount, units }));
  const report = await fixture.result(1);
  expect(report).toMatchObject({ outcome: 'completed', result: { units_evaluated: 9, units_skipped: 1 } });
  const heard = fixture.heard(1).units;
  expect(heard.map(({ unit_index, metrics }) => [unit_index, metrics['window']])).toEqual(
    [15, 17, 18, 19, 20, 21, 22, 23, 24].map((unit) => [unit, unit < 20 ? 0 : 1]),
  );
  expect(heard[4]?.parameters).toMatchObject({ fast: 5, slow: 50 });
  for (const { metrics } of heard) {
    expect(metrics['train.sharpe_ratio']).toBeNumber();
    expect(metrics['test.daily_returns_count']).toBe(500);
    expect(metrics['test.from_ms']).toBeGreaterThan(metrics['train.to_ms'] as number);
  }
});

test('bars that are not those of the grant fail the job', async () => {
  await using fixture = await attemptsFixture({ shim: { workload_command: REAL_WORKLOAD } });
  const barsPath = join(fixture.runtimeDir, 'bars.arrow');
  const barCount = await writeBars(barsPath);
  const work = { kind: 'backtesting', parameters: {}, barsPath, barCount: barCount + 1 };
  await fixture.start(1, 'backtesting', overrides(work));
  const report = await fixture.result(1);
  expect(report.outcome).toBe('failed');
  expect(report.error?.message).toContain(`it holds ${barCount} bars, the job was given ${barCount + 1}`);
});
