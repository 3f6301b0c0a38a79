import { z } from 'zod';
import { timeframeSchema } from '#agent/contract/timeframe';
import type { BarsRequest } from '#agent/contract/kind';
import { strategyFields } from './strategy';
import { tradingFields } from './trading';

const instant = z.union(
  [z.iso.date(), z.iso.datetime({ offset: true })],
  'must be a date such as 2024-12-31',
);

/** What a backtest and a sweep of backtests have in common, in KTRDR's names. */
export const backtestFields = {
  ...strategyFields,
  symbol: z.string().min(1).max(32).describe('symbol of imported bars'),
  timeframe: timeframeSchema.describe('length of a bar'),
  start_date: instant.optional().describe('first day; without it from the first bar'),
  end_date: instant.optional().describe('last day, itself included; without it to the last bar'),
  ...tradingFields,
  allow_short: z.boolean().optional().describe('go short where the strategy would be flat'),
};

interface DateRange {
  start_date?: string | undefined;
  end_date?: string | undefined;
}

export function endsAfterStart({ start_date, end_date }: DateRange): boolean {
  if (start_date === undefined || end_date === undefined) return true;
  return Date.parse(exclusiveEnd(end_date)) > Date.parse(start_date);
}

export function barsRequest(request: DateRange & { symbol: string; timeframe: string }): BarsRequest {
  return {
    symbol: request.symbol,
    timeframe: request.timeframe,
    start: request.start_date ?? null,
    end: request.end_date === undefined ? null : exclusiveEnd(request.end_date),
  };
}

/** A bare date means the whole day; an instant is taken as it is. */
function exclusiveEnd(end: string): string {
  if (end.length > 'yyyy-mm-dd'.length) return end;
  const day = new Date(`${end}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}
