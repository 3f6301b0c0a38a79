import { Command } from '@commander-js/extra-typings';
import { expect, test } from 'bun:test';
import { backtestRequestSchema } from '#agent/jobs/backtesting/kind';
import { addTradingOptions, tradingFieldsOf } from './trading-options';

function parse(...args: string[]): Record<string, unknown> {
  const command = new Command('test').exitOverride();
  addTradingOptions(command);
  command.parse(args, { from: 'user' });
  return tradingFieldsOf(command.opts());
}

const request = { strategy_name: 'sma_cross', symbol: 'SPX', timeframe: '1d' };

test('tradingFieldsOf() gives what was asked for, under the names of the request', () => {
  const fields = parse('--capital', '5000', '--stop-loss', '0.02', '--position-quantity', '10');
  expect(fields).toEqual({ initial_capital: 5000, stop_loss: 0.02, position_quantity: 10 });
  expect(backtestRequestSchema.parse({ ...request, ...fields })).toMatchObject(fields);
  expect(parse()).toEqual({});
});

test('every flag is a field that the job kind knows', () => {
  const command = new Command('test');
  addTradingOptions(command);
  const flags = command.options.map((option) => option.long ?? '');
  expect(flags.length).toBeGreaterThan(10);
  for (const flag of flags) {
    const fields = parse(flag, '0.5');
    expect(Object.keys(fields)).toHaveLength(1);
    expect(backtestRequestSchema.parse({ ...request, ...fields })).toMatchObject(fields);
  }
});

test('a flag that is no number is named', () => {
  expect(() => parse('--stop-loss', 'far')).toThrow(/--stop-loss/);
});
