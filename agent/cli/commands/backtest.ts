import { examples, type CliCommand } from '#agent/cli/command';
import { openSession } from '#agent/cli/session';
import { submitOnce } from '#agent/cli/outcome';
import { requestedStrategy } from '#agent/cli/strategy-argument';
import { finish } from '#agent/cli/submission';
import { submissionCommand, submissionQuery } from '#agent/cli/submission-options';
import { addTradingOptions, tradingFieldsOf } from '#agent/cli/trading-options';
import { collectParameter } from '#agent/cli/usage';

export const backtestCommand: CliCommand = {
  name: 'backtest',
  create: (shell) => {
    const command = submissionCommand('backtest')
      .description('Backtest a strategy on imported bars and print its metrics')
      .option('-p, --param <name=value>', 'a parameter of the strategy; may be repeated', collectParameter)
      .action(async (strategy, symbol, timeframe, options) => {
        const { start, end } = options;
        const requested = requestedStrategy(strategy, { symbol, timeframe, start, end });
        const session = openSession(shell, options);
        const body = {
          ...requested,
          parameters: options.param ?? {},
          ...tradingFieldsOf(options),
        };
        const query = submissionQuery(options);
        const { data } = await submitOnce(() =>
          session.client.call('startBacktest', { body, query, signal: shell.signal }),
        );
        await finish(session, data, { detach: options.detach ?? false, top: 1 });
      })
      .addHelpText(
        'after',
        examples(
          ['backtest my.yaml SPX 1d', 'a strategy file'],
          ['backtest sma_cross SPX 1d', 'with the defaults of the strategy'],
          [
            'backtest sma_cross SPX 1d -p fast=10 -p slow=100 --start 2015-01-01',
            'other parameters, since 2015',
          ],
          ['backtest rsi_reversion SPX 1d --wait --detach', 'queue it and leave'],
        ),
      );
    addTradingOptions(command);
    return command;
  },
};
