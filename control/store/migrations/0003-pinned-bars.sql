-- The bars that operations were submitted with: enough to write the file again after the cache lost it.
create table pinned_bars (
  data_hash  text primary key,
  symbol     text not null,
  timeframe  text not null,
  start_us   bigint,
  end_us     bigint,
  bar_count  integer not null,
  revision   integer not null,
  pinned_at  timestamptz not null default now()
);

create index pinned_bars_of_series on pinned_bars (symbol, timeframe, revision);
