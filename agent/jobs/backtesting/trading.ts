import { z } from 'zod';
import { DEFAULT_CAPITAL, DEFAULT_COSTS } from '#agent/engine/backtest/request';
import type { BacktestRequest, Costs, RiskOptions, Sizing } from '#agent/engine/backtest/request';

const HOUR_MS = 3_600_000;
const VOLATILITY_BARS = 20;

const positive = z.number().positive().max(Number.MAX_SAFE_INTEGER);
/** A stop as far away as the price itself would never act: most likely per cent were meant. */
const belowPrice = positive.lt(1, 'must be below 1: it is a fraction, 0.02 is 2 %');
const notNegative = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

/**
 * Capital, costs, sizes and stops. What came later than the first four has no default but its absence:
 * a request that names none of it is stored, compared and hashed as it always was.
 */
export const tradingFields = {
  initial_capital: positive.default(DEFAULT_CAPITAL.initialCapital).describe('cash at the start'),
  commission: z
    .number()
    .min(0)
    .lt(1)
    .default(DEFAULT_COSTS.commissionRate)
    .describe('fraction of notional, for each side of a trade'),
  slippage: z
    .number()
    .min(0)
    .lt(1)
    .default(DEFAULT_COSTS.slippageRate)
    .describe('fraction of the price, for each side of a trade'),
  position_fraction: z
    .number()
    .positive()
    .max(1)
    .default(DEFAULT_CAPITAL.positionFraction)
    .describe('fraction of the available capital in one position'),
  commission_per_share: notNegative.optional().describe('currency for each share, added to the commission'),
  commission_minimum: notNegative.optional().describe('least commission of one fill, in currency'),
  position_quantity: positive.optional().describe('shares of a position, instead of the fraction'),
  position_notional: positive.optional().describe('currency of a position, instead of the fraction'),
  position_volatility: positive
    .optional()
    .describe('volatility a year that the position aims at, instead of the fraction; at most all capital'),
  volatility_bars: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe(`bars that position_volatility measures; without it ${VOLATILITY_BARS}`),
  stop_loss: belowPrice.optional().describe('distance of a stop, as a fraction of the entry price'),
  take_profit: positive.optional().describe('distance of a target, as a fraction of the entry price'),
  trailing_stop: belowPrice
    .optional()
    .describe('distance of a trailing stop, as a fraction of the entry price'),
  min_signal_separation: notNegative
    .optional()
    .describe('hours after a signal that was followed in which others are not'),
};

type TradingRequest = z.output<z.ZodObject<typeof tradingFields>>;

const SIZES = ['position_quantity', 'position_notional', 'position_volatility'] as const;

export const SIZES_TWICE =
  'must stand alone: give one of position_quantity, position_notional and position_volatility';

/** Two sizes would leave it open which is meant. */
export function sizesOnce(request: Pick<TradingRequest, (typeof SIZES)[number]>): boolean {
  return SIZES.filter((name) => request[name] !== undefined).length <= 1;
}

/** The same in the terms of the engine. */
export function tradingOf(
  request: TradingRequest,
): Required<Pick<BacktestRequest, 'costs' | 'capital' | 'sizing' | 'risk'>> {
  return {
    costs: costsOf(request),
    capital: { initialCapital: request.initial_capital, positionFraction: request.position_fraction },
    sizing: sizingOf(request),
    risk: riskOf(request),
  };
}

function costsOf(request: TradingRequest): Costs {
  return {
    commissionRate: request.commission,
    commissionPerShare: request.commission_per_share ?? 0,
    commissionMinimum: request.commission_minimum ?? 0,
    slippageRate: request.slippage,
  };
}

function sizingOf(request: TradingRequest): Sizing {
  const { position_quantity: quantity, position_notional: notional } = request;
  if (quantity !== undefined) return { kind: 'quantity', quantity };
  if (notional !== undefined) return { kind: 'notional', notional };
  const { position_volatility: annualVolatility, volatility_bars: lookbackBars = VOLATILITY_BARS } = request;
  if (annualVolatility !== undefined) {
    return { kind: 'volatility', annualVolatility, lookbackBars, fractionMax: 1 };
  }
  return { kind: 'fraction', fraction: request.position_fraction };
}

function riskOf(request: TradingRequest): RiskOptions {
  const { stop_loss, take_profit, trailing_stop, min_signal_separation } = request;
  return {
    ...(stop_loss === undefined ? {} : { stopFraction: stop_loss }),
    ...(take_profit === undefined ? {} : { targetFraction: take_profit }),
    ...(trailing_stop === undefined ? {} : { trailingFraction: trailing_stop }),
    ...(min_signal_separation === undefined ? {} : { signalSeparationMs: min_signal_separation * HOUR_MS }),
  };
}
