import { Fault } from '#agent/kit/error';
import type { BacktestRequest, Sizing } from './request';

/** Throws Fault `invalid`, naming the figure as requests over the wire name it. */
export function checkRequest(request: BacktestRequest): void {
  const { costs, capital, sizing, risk } = request;
  if (costs !== undefined) {
    check('commission', costs.commissionRate, SHARE_OF_NOTIONAL);
    check('commission_per_share', costs.commissionPerShare ?? 0, NOT_NEGATIVE);
    check('commission_minimum', costs.commissionMinimum ?? 0, NOT_NEGATIVE);
    check('slippage', costs.slippageRate, SHARE_OF_NOTIONAL);
  }
  if (capital !== undefined) {
    check('initial_capital', capital.initialCapital, ABOVE_ZERO);
    check('position_fraction', capital.positionFraction, PART);
  }
  if (sizing !== undefined) checkSizing(sizing);
  check('stop_loss', risk?.stopFraction ?? 1, DISTANCE);
  check('take_profit', risk?.targetFraction ?? 1, DISTANCE);
  check('trailing_stop', risk?.trailingFraction ?? 1, DISTANCE);
  check('min_signal_separation', risk?.signalSeparationMs ?? 0, NOT_NEGATIVE);
}

function checkSizing(sizing: Sizing): void {
  switch (sizing.kind) {
    case 'fraction':
      return check('position_fraction', sizing.fraction, PART);
    case 'quantity':
      return check('position_quantity', sizing.quantity, ABOVE_ZERO);
    case 'notional':
      return check('position_notional', sizing.notional, ABOVE_ZERO);
    case 'volatility':
      check('position_volatility', sizing.annualVolatility, ABOVE_ZERO);
      check('volatility_bars', sizing.lookbackBars, WHOLE);
      return check('position_fraction', sizing.fractionMax, PART);
  }
}

interface Range {
  holds(value: number): boolean;
  words: string;
}

const SHARE_OF_NOTIONAL: Range = {
  holds: (value) => value >= 0 && value < 1,
  words: 'from 0 to below 1, as a fraction of notional',
};
const NOT_NEGATIVE: Range = {
  holds: (value) => value >= 0 && value <= Number.MAX_SAFE_INTEGER,
  words: '0 or above',
};
const ABOVE_ZERO: Range = {
  holds: (value) => value > 0 && value <= Number.MAX_SAFE_INTEGER,
  words: 'above 0',
};
const PART: Range = { holds: (value) => value > 0 && value <= 1, words: 'above 0 and at most 1' };
const DISTANCE: Range = {
  holds: (value) => value > 0 && value <= Number.MAX_SAFE_INTEGER,
  words: 'above 0, as a fraction of the entry price',
};
const WHOLE: Range = {
  holds: (value) => Number.isSafeInteger(value) && value >= 1,
  words: 'a whole number of at least 1',
};

function check(name: string, value: number, range: Range): void {
  if (range.holds(value)) return;
  throw new Fault('invalid', `Cannot run a backtest: ${name} is ${value}`, {
    hint: `${name} is ${range.words}`,
  });
}
