import { z } from 'zod';
import { tradeSchema } from '#agent/contract/backtest';
import type { JobKind } from '#agent/contract/kind';
import { unitMetricsSchema } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import { parseParameters } from '#agent/engine/strategy/parameters';
import { backtestFields, barsRequest, endsAfterStart } from './request';
import { STRATEGY_ONCE, strategyMetadata, strategyOf, strategyOnce } from './strategy';
import { SIZES_TWICE, sizesOnce } from './trading';

export const TRADES_MAX = 10_000;
/** Every day of eighty years; longer series are thinned. */
export const EQUITY_POINTS_MAX = 20_000;
const HOUR_MS = 3_600_000;

export const backtestRequestSchema = z
  .strictObject({
    ...backtestFields,
    parameters: z
      .record(z.string().max(100), z.unknown())
      .default({})
      .describe('parameters of the strategy; those left out have its defaults'),
  })
  .refine(strategyOnce, { path: ['strategy_name'], message: STRATEGY_ONCE })
  .refine(endsAfterStart, { path: ['end_date'], message: 'must not be before start_date' })
  .refine(sizesOnce, { path: ['position_quantity'], message: SIZES_TWICE });

export const backtestResultSchema = z.object({
  strategy_name: z.string(),
  symbol: z.string(),
  timeframe: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  /** KTRDR's 22 and ours; null where a figure is undefined. */
  metrics: unitMetricsSchema,
  /** The first trades, in order of entry. */
  trades: z.array(tradeSchema).max(TRADES_MAX),
  /** How many later trades are left out; the metrics count them all. */
  trades_truncated: z.int().min(0),
  /** Equity at bar closes, thinned evenly; times are milliseconds since 1970 UTC of the bars' opens. */
  equity: z.object({
    time_ms: z.array(z.number()).max(EQUITY_POINTS_MAX),
    equity: z.array(z.number()).max(EQUITY_POINTS_MAX),
  }),
  bar_count: z.int(),
  open_at_end: z.boolean(),
  periods_per_year: z.number(),
});

export const backtestingKind: JobKind = {
  name: 'backtesting',
  description: 'Backtest a strategy on the bars of one symbol',
  parameters: backtestRequestSchema,
  result: backtestResultSchema,
  priority: 3,
  lease: 'pure',
  attemptsMax: 3,
  timeoutMs: 2 * HOUR_MS,
  needs: () => ({ cores: 1, memoryBytes: 512 * 2 ** 20, gpu: 'none' }),
  bars: (parameters) => barsRequest(backtestRequestSchema.parse(parameters)),
  normalize(input) {
    const { allow_short, ...request } = backtestRequestSchema.parse(input);
    const strategy = strategyOf(request);
    const chosen = withAllowShort(request.parameters, allow_short);
    return { ...request, parameters: parseParameters(strategy, chosen) };
  },
  metadata(parameters) {
    const request = backtestRequestSchema.parse(parameters);
    return {
      symbol: request.symbol,
      timeframe: request.timeframe,
      ...strategyMetadata(request),
      start_date: request.start_date ?? null,
      end_date: request.end_date ?? null,
      parameters: request.parameters,
    };
  },
  summarize(result) {
    const { metrics } = backtestResultSchema.parse(result);
    const shown = ['total_return_pct', 'sharpe_ratio', 'max_drawdown_pct', 'win_rate', 'total_trades'];
    return Object.fromEntries(shown.map((name) => [name, metrics[name] ?? null]));
  },
};

/** KTRDR's request says it beside the strategy's parameters; strategies of ours take it as one of them. */
export function withAllowShort<T>(
  parameters: Readonly<Record<string, T>>,
  allowShort: boolean | undefined,
): Record<string, T | boolean> {
  if (allowShort === undefined) return { ...parameters };
  if (!Object.hasOwn(parameters, 'allow_short')) return { ...parameters, allow_short: allowShort };
  throw new Fault('invalid', 'Cannot read the request: allow_short is given twice', {
    hint: 'give allow_short either beside the parameters of the strategy or among them',
  });
}
