-- What a backtest found, as tables: written in the transaction that accepts its result, never changed.
-- Prices and profits are in the currency of the bars; times are of fills.

create table backtest_trade (
  operation_id            text not null references operation on delete cascade,
  trade_id                integer not null,
  symbol                  text not null,
  side                    text not null check (side in ('LONG', 'SHORT')),
  entry_price             double precision not null,
  entry_time              timestamptz not null,
  exit_price              double precision not null,
  exit_time               timestamptz not null,
  quantity                double precision not null,
  gross_pnl               double precision not null,
  commission              double precision not null,
  slippage                double precision not null,
  net_pnl                 double precision not null,
  holding_period_hours    double precision not null,
  max_favorable_excursion double precision not null,
  max_adverse_excursion   double precision not null,
  exit_reason             text not null,
  primary key (operation_id, trade_id)
);

-- Equity at bar closes, labelled with the bars' opens.
create table backtest_equity (
  operation_id text not null references operation on delete cascade,
  at           timestamptz not null,
  equity       double precision not null,
  primary key (operation_id, at)
);

-- One row a completed backtest, for `order by sharpe_ratio desc` and the like.
create view backtest_summary as
  select operation_id,
         completed_at,
         result ->> 'strategy_name' as strategy_name,
         result ->> 'symbol' as symbol,
         result ->> 'timeframe' as timeframe,
         result -> 'parameters' as parameters,
         (result ->> 'bar_count')::bigint as bar_count,
         (result #>> '{metrics,total_return_pct}')::float8 as total_return_pct,
         (result #>> '{metrics,annualized_return}')::float8 as annualized_return,
         (result #>> '{metrics,sharpe_ratio}')::float8 as sharpe_ratio,
         (result #>> '{metrics,sortino_ratio}')::float8 as sortino_ratio,
         (result #>> '{metrics,max_drawdown_pct}')::float8 as max_drawdown_pct,
         (result #>> '{metrics,win_rate}')::float8 as win_rate,
         (result #>> '{metrics,profit_factor}')::float8 as profit_factor,
         (result #>> '{metrics,total_trades}')::float8 as total_trades,
         (result #>> '{metrics,final_equity}')::float8 as final_equity,
         result -> 'metrics' as metrics,
         provenance ->> 'data_hash' as data_hash,
         provenance ->> 'result_sha256' as result_sha256
  from operation
  where kind = 'backtesting' and status = 'completed';
