import { expect, test } from 'bun:test';
import { capturedShell } from '#test/support/captured-shell';
import { showMetrics, showRanking, type RankedUnit } from './outcome';
import { createOutput } from './output';
import { parametersText } from './operation-view';

function unit(rank: number, fast: number, sharpe: number | null): RankedUnit {
  const metrics = { sharpe_ratio: sharpe, total_return_pct: 0.125, total_trades: 12 };
  return { rank, unit_index: rank, parameters: { fast, slow: 50, average: 'sma' }, metrics };
}

function shown(units: RankedUnit[], done = 2000): string {
  const shell = capturedShell();
  showRanking(createOutput(shell, false), {
    rank_by: 'sharpe_ratio',
    units_total: 2000,
    units_done: done,
    units,
  });
  return shell.out;
}

test('a ranking shows what differs in columns, what is shared once, and the number of trials', () => {
  expect(shown([unit(1, 10, 0.5), unit(2, 20, null)]).split('\n')).toEqual([
    'RANK  fast  sharpe_ratio  total_return_pct  max_drawdown_pct  win_rate  total_trades',
    '   1    10        0.5000           12.50 %                 –         –            12',
    '   2    20             –           12.50 %                 –         –            12',
    'All with slow=50, average=sma.',
    'Best 2 units by sharpe_ratio of 2,000 trials: the more trials, the luckier the best one.',
    '',
  ]);
});

test('one unit alone has all its parameters in columns, an unfinished sweep says so', () => {
  const text = shown([unit(1, 10, 0.5)], 1924);
  expect(text).toStartWith('RANK  fast  slow  average');
  expect(text).toContain('Best 1 unit by sharpe_ratio of 1,924 of 2,000 trials');
  expect(shown([])).toBe('No unit has a result yet.\n');
});

test('a metric has its unit, and a dash where it is undefined', () => {
  const shell = capturedShell({ columns: 60 });
  showMetrics(createOutput(shell, false), { total_return: 7293.9312, win_rate: 0.4386, calmar_ratio: null });
  const cells = shell.out
    .trim()
    .split('\n')
    .map((line) => line.split(/\s{2,}/).slice(0, 2));
  expect(cells).toEqual([
    ['METRIC', 'VALUE'],
    ['total_return', '7,293.93'],
    ['win_rate', '43.86 %'],
    ['calmar_ratio', '–'],
  ]);
});

test('parameters read as the flags of a command', () => {
  const grid = { fast: { from: 5, to: 60, step: 5 }, average: { values: ['sma', 'ema'] }, slow: 50 };
  const request = { strategy_name: 'sma_cross', symbol: 'SPX', timeframe: '1d', grid, commission: 0.001 };
  const text = 'fast=5:60:5 average=sma,ema slow=50 commission=0.001';
  expect(parametersText({ parameters: request })).toBe(text);
  expect(parametersText({ ...request, search: { method: 'grid' } })).toBe(text);
  const search = { method: 'walk_forward', train_bars: 500, test_bars: 100, gap_bars: 0, anchored: false };
  expect(parametersText({ grid: { fast: 10 }, search })).toBe(
    'fast=10 search=walk_forward train_bars=500 test_bars=100',
  );
  expect(parametersText(request)).toBe(text);
  expect(parametersText({ parameters: { parameters: { fast: 10 }, start_date: null } })).toBe('fast=10');
  expect(parametersText({})).toBe('');
});
