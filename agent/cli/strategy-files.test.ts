import { afterAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '#test/support/cli';
import { tempDir } from '#test/support/temp-dir';
import { Fault } from '#agent/kit/error';
import { requestedStrategy } from './strategy-argument';

const temporary = await tempDir();
const folder = temporary.path;
afterAll(() => temporary[Symbol.asyncDispose]());

const GOOD = `name: mine
version: "3.0"
training_data:
  symbols: {mode: single, symbol: SPX}
  timeframes: {mode: single, timeframe: 1d}
  start_date: 2010-01-01
parameters:
  bars: {default: 20, range: {from: 10, to: 30, step: 10}}
model:
  type: rules
  entries: {long: "close > highest(high, bars)[1]"}
  exits: {long: "close < lowest(low, bars)[1]"}
`;
const good = join(folder, 'mine.yaml');
const bad = join(folder, 'bad.yaml');
writeFileSync(good, GOOD);
writeFileSync(bad, GOOD.replace('highest', 'highst'));

test('validate says ok and a summary', async () => {
  const { code, stdout } = await runCli(['validate', good]);
  expect(stdout).toBe(`${good}: ok: mine; parameters bars 20; 3 combinations to sweep; 20 bars of warm-up\n`);
  expect(code).toBe(0);
});

test('validate names each mistake of each file, and exits with 2', async () => {
  const { code, stdout } = await runCli(['validate', good, bad, join(folder, 'none.yaml')]);
  expect(stdout).toContain(`${bad}:11:28: there is no function 'highst'\n  hint: did you mean 'highest'?`);
  expect(stdout).toContain('none.yaml: there is no such file');
  expect(code).toBe(2);
});

test('validate --json lists the problems', async () => {
  const { stdout } = await runCli(['validate', bad, '--json']);
  expect(JSON.parse(stdout)).toMatchObject([{ ok: false, problems: [{ line: 11, column: 28 }] }]);
});

test('strategies shows the parameters of a file', async () => {
  const { code, stdout } = await runCli(['strategies', good]);
  expect(stdout).toContain('10:30:10');
  expect(code).toBe(0);
});

test('a wrong file is refused before anything is asked of the control plane', async () => {
  const { code, stderr } = await runCli(['backtest', bad, 'SPX', '1d']);
  expect(stderr).toContain(`Cannot read ${bad}:11:28: there is no function 'highst'`);
  expect(code).toBe(2);
});

test('a file travels by its content, and says what the command line leaves out', () => {
  expect(requestedStrategy(good, {})).toEqual({
    strategy: { file_name: 'mine.yaml', text: GOOD },
    symbol: 'SPX',
    timeframe: '1d',
    start_date: '2010-01-01',
    end_date: undefined,
  });
  const given = { symbol: 'NDX', timeframe: '1h', start: '2020-01-01', end: '2021-01-01' };
  expect(requestedStrategy(good, given)).toMatchObject({ symbol: 'NDX', start_date: '2020-01-01' });
});

test('a built-in strategy needs its bars named', () => {
  expect(requestedStrategy('sma_cross', { symbol: 'SPX', timeframe: '1d' })).toMatchObject({
    strategy_name: 'sma_cross',
  });
  expect(() => requestedStrategy('sma_cross', { symbol: 'SPX' })).toThrow(Fault);
});
