-- Price history. Times are the open of a bar, in UTC; prices and volumes are exact doubles.

create table series (
  series_id  bigint generated always as identity primary key,
  symbol     text not null,
  timeframe  text not null,
  -- Counts the imports that changed a bar: what a cache of these bars is keyed by.
  revision   integer not null default 0,
  bar_count  bigint not null default 0,
  first_at   timestamptz,
  last_at    timestamptz,
  -- Time zone of the stamps that were imported last, and the file they came from.
  timezone   text not null,
  source     text,
  updated_at timestamptz not null default now(),
  unique (symbol, timeframe)
);

-- Partitioned by year; the importer creates the years it meets (bar_2024). No foreign key: its trigger
-- for each row would double the time of an import, and the importer holds the row of the series.
create table bar (
  series_id bigint not null,
  at        timestamptz not null,
  open      double precision not null,
  high      double precision not null,
  low       double precision not null,
  close     double precision not null,
  volume    double precision not null,
  primary key (series_id, at)
) partition by range (at);

-- What each import read, wrote and found, as it was reported.
create table import_report (
  import_report_id bigint generated always as identity primary key,
  series_id        bigint not null references series on delete cascade,
  revision         integer not null,
  report           jsonb not null,
  created_at       timestamptz not null default now()
);

create index import_report_of_series on import_report (series_id, import_report_id);
