import { examples, type CliCommand } from '#agent/cli/command';
import { submitOnce } from '#agent/cli/outcome';
import { searchOf, walkForwardLengths } from '#agent/cli/search-options';
import { openSession } from '#agent/cli/session';
import { requestedStrategy } from '#agent/cli/strategy-argument';
import { finish } from '#agent/cli/submission';
import { submissionCommand, submissionQuery } from '#agent/cli/submission-options';
import { addTradingOptions, tradingFieldsOf } from '#agent/cli/trading-options';
import { collectAxis, metricNamed, wholeNumber } from '#agent/cli/usage';

export const sweepCommand: CliCommand = {
  name: 'sweep',
  create: (shell) => {
    const command = submissionCommand('sweep')
      .summary('Backtest the combinations of a grid and rank them')
      .description(
        'Backtest the combinations of a parameter grid on all agents, rank the results, and say what they prove',
      )
      .option(
        '-g, --grid <axis>',
        'name=from:to:step, name=a,b,c or name=value; may be repeated; default: the grid of the strategy',
        collectAxis,
      )
      .option(
        '--random <n>',
        'try only so many combinations, drawn at random',
        wholeNumber('--random', 1, 1_000_000),
      )
      .option('--seed <n>', 'of the draw; default: 1', wholeNumber('--seed', 0, 2 ** 32 - 1))
      .option(
        '--walk-forward <train:test>',
        'choose on one stretch, test on the next, move on: 500:125 in bars, 24mo:6mo in months',
        walkForwardLengths,
      )
      .option('--gap <bars>', 'left out before each test', wholeNumber('--gap', 0, 1_000_000))
      .option('--anchored', 'train always from the first bar')
      .option('--rank-by <metric>', 'metric that orders the results; default: sharpe_ratio', metricNamed)
      .option('--top <n>', 'units to show', wholeNumber('--top', 1, 1000), 10)
      .action(async (strategy, symbol, timeframe, options) => {
        const { start, end } = options;
        const requested = requestedStrategy(strategy, { symbol, timeframe, start, end });
        const session = openSession(shell, options);
        const body = {
          ...requested,
          grid: options.grid ?? {},
          search: searchOf(options),
          rank_by: options.rankBy,
          ...tradingFieldsOf(options),
        };
        const query = submissionQuery(options);
        const { data } = await submitOnce(() =>
          session.client.call('startSweep', { body, query, signal: shell.signal }),
        );
        await finish(session, data, { detach: options.detach ?? false, top: options.top });
      })
      .addHelpText('after', examples(...EXAMPLES));
    addTradingOptions(command);
    return command;
  },
};

const EXAMPLES: ReadonlyArray<readonly [string, string]> = [
  ['sweep sma_cross SPX 1d', 'the grid of the strategy'],
  ['sweep my.yaml SPX 1d', 'the ranges that a strategy file names'],
  ['sweep sma_cross SPX 1d -g fast=5:50:5 -g slow=60:200:20 -g average=sma,ema', 'your own'],
  ['sweep sma_cross SPX 1d --walk-forward 500:125 --gap 5', 'chosen on the past, tested on what followed'],
  ['sweep rsi_reversion SPX 1d --rank-by calmar_ratio --top 20', 'ranked by another metric'],
];
