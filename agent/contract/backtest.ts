import { z } from 'zod';

/** One round trip in KTRDR's fields; times are ISO 8601 in UTC. */
export const tradeSchema = z.object({
  trade_id: z.int(),
  symbol: z.string(),
  side: z.enum(['LONG', 'SHORT']),
  entry_price: z.number(),
  entry_time: z.string(),
  exit_price: z.number(),
  exit_time: z.string(),
  quantity: z.number(),
  gross_pnl: z.number(),
  commission: z.number(),
  slippage: z.number(),
  net_pnl: z.number(),
  holding_period_hours: z.number(),
  max_favorable_excursion: z.number(),
  max_adverse_excursion: z.number(),
  decision_metadata: z.object({ exit_reason: z.string() }),
});
export type BacktestTrade = z.infer<typeof tradeSchema>;

/** Equity at a bar's close, labelled with the bar's open. */
export const equityPointSchema = z.object({ time: z.string(), equity: z.number() });
export type EquityPoint = z.infer<typeof equityPointSchema>;
