import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { decimal } from './usage';

/** Capital, costs, sizes and stops as flags: the field of the request, how it is written, what it is. */
const TRADING_OPTIONS: ReadonlyArray<readonly [field: string, flags: string, description: string]> = [
  ['initial_capital', '--capital <amount>', 'cash at the start'],
  ['commission', '--commission <fraction>', 'of notional, for each side of a trade'],
  ['commission_per_share', '--commission-per-share <amount>', 'added to the commission'],
  ['commission_minimum', '--commission-minimum <amount>', 'least commission of one fill'],
  ['slippage', '--slippage <fraction>', 'of the price, for each side of a trade'],
  ['position_fraction', '--position <fraction>', 'of the capital in one position'],
  ['position_quantity', '--position-quantity <shares>', 'of one position, instead of a fraction'],
  ['position_notional', '--position-notional <amount>', 'in one position, instead of a fraction'],
  ['position_volatility', '--position-volatility <fraction>', 'a year that a position aims at, instead'],
  ['stop_loss', '--stop-loss <fraction>', 'of the entry price'],
  ['take_profit', '--take-profit <fraction>', 'of the entry price'],
  ['trailing_stop', '--trailing-stop <fraction>', 'of the entry price'],
];

const GROUP = 'Costs, sizes and stops:';

/** Adds them to a command that submits backtests; `tradingFieldsOf` reads what was given. */
export function addTradingOptions(command: CommandUnknownOpts): void {
  for (const [, flags, description] of TRADING_OPTIONS) {
    const option = new Option(flags, description);
    command.addOption(option.argParser(decimal(option.long ?? flags)).helpGroup(GROUP));
  }
}

/** The fields of the request that were given; the others keep the defaults of the job kind. */
export function tradingFieldsOf(options: object): Record<string, unknown> {
  const given = new Map<string, unknown>(Object.entries(options));
  const fields: Record<string, unknown> = {};
  for (const [field, flags] of TRADING_OPTIONS) {
    const value = given.get(new Option(flags).attributeName());
    if (value !== undefined) fields[field] = value;
  }
  return fields;
}
