import { timeframeMs } from '#agent/contract/timeframe';
import type { Bars } from '#agent/engine/bars';
import { calendarOf } from './calendar';
import type { Costs } from './request';
import { commissionOf } from './costs';
import type { Trade } from './result';
import type { RoundTrip } from './simulate';

const HOUR_US = 3_600_000_000;

/** The first `tradesMax` round trips with all that people ask about a trade. */
export function describeTrades(
  bars: Bars,
  roundTrips: readonly RoundTrip[],
  options: { costs: Required<Costs>; tradesMax: number },
): Trade[] {
  if (options.tradesMax === 0 || roundTrips.length === 0) return [];
  const times = calendarOf(bars).timeUs;
  return roundTrips.slice(0, options.tradesMax).map((trip, index) => {
    const quantity = Math.abs(trip.quantity);
    const entryTimeUs = times[trip.entryBar] as number;
    const exitTimeUs = exitTime(bars, trip, times);
    const { favorable, adverse } = excursions(bars, trip);
    return {
      tradeId: index + 1,
      symbol: bars.symbol,
      side: trip.quantity > 0 ? 'LONG' : 'SHORT',
      entryPrice: trip.entryPrice,
      entryTimeUs,
      exitPrice: trip.exitPrice,
      exitTimeUs,
      quantity,
      grossPnl: (trip.exitPrice - trip.entryPrice) * trip.quantity,
      commission:
        commissionOf(quantity, trip.entryPrice, options.costs) +
        commissionOf(quantity, trip.exitPrice, options.costs),
      slippage: slippageOf(trip, options.costs.slippageRate),
      netPnl: trip.netPnl,
      holdingPeriodHours: (exitTimeUs - entryTimeUs) / HOUR_US,
      maxFavorableExcursion: favorable,
      maxAdverseExcursion: adverse,
      exitReason: trip.reason,
    };
  });
}

/** What is not filled at the open of its bar is over at the bar's close. */
function exitTime(bars: Bars, trip: RoundTrip, times: Float64Array): number {
  const opened = times[trip.exitBar] as number;
  return trip.exitAt === 'open' ? opened : opened + timeframeMs(bars.timeframe) * 1000;
}

/** The fills' distance from the market's price: fill = price · (1 ± rate), so rate / (1 ± rate) of it. */
function slippageOf(trip: RoundTrip, rate: number): number {
  const sign = Math.sign(trip.quantity);
  const entry = (trip.entryPrice * rate) / (1 + sign * rate);
  const exit = trip.reason === 'target' ? 0 : (trip.exitPrice * rate) / (1 - sign * rate);
  return Math.abs(trip.quantity) * (entry + exit);
}

/** By highs and lows of the bars the position was held through, and by the fill that ended it. */
function excursions(bars: Bars, trip: RoundTrip): { favorable: number; adverse: number } {
  let high = Math.max(trip.entryPrice, trip.exitPrice);
  let low = Math.min(trip.entryPrice, trip.exitPrice);
  if (trip.exitAt === 'within') {
    const open = bars.open[trip.exitBar] as number;
    high = Math.max(high, open);
    low = Math.min(low, open);
  }
  const end = trip.exitAt === 'close' ? trip.exitBar + 1 : trip.exitBar;
  for (let bar = trip.entryBar; bar < end; bar++) {
    high = Math.max(high, bars.high[bar] as number);
    low = Math.min(low, bars.low[bar] as number);
  }
  const up = (high - trip.entryPrice) * trip.quantity;
  const down = (low - trip.entryPrice) * trip.quantity;
  return trip.quantity > 0 ? { favorable: up, adverse: down } : { favorable: down, adverse: up };
}
