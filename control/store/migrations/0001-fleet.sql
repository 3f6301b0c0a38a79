-- The fleet and its work. Times are the database's clock: the one clock that leases are judged by.

create table node (
  node_id            text primary key,
  name               text not null,
  label              text,
  public_key         text not null,
  instance           uuid not null,
  endpoint_url       text not null,
  version            text not null,
  commit             text not null,
  slots              integer not null,
  free_slots         integer not null default 0,
  capabilities       jsonb not null,
  load               jsonb,
  registered_at      timestamptz not null default now(),
  heartbeat_at       timestamptz not null default now(),
  stopped_at         timestamptz,
  draining_reason    text,
  last_granted_at    timestamptz
);

-- `role`: a single piece of work, the parent of batches (never given out itself), or a batch of units.
-- `rank`: priority with ageing as one number. A step of priority is worth ten minutes of waiting, and
-- since every operation ages alike the order never changes: rank = priority · 600 s − created_at.
create table operation (
  operation_id        text primary key,
  kind                text not null,
  role                text not null check (role in ('single', 'parent', 'batch')),
  parent_id           text references operation on delete cascade,
  status              text not null default 'pending'
                      check (status in ('pending', 'resuming', 'running', 'completed', 'failed', 'cancelled')),
  priority            integer not null,
  rank                double precision not null,
  parameters          jsonb not null,
  parameters_sha256   text not null,
  metadata            jsonb not null default '{}',
  needs               jsonb not null,
  bars                jsonb,
  idempotency_key     text unique,
  unit_from           integer,
  unit_to             integer,
  units_done          integer not null default 0,
  units_total         integer,
  epoch               integer not null default 0,
  attempts_failed     integer not null default 0,
  attempts_lost       integer not null default 0,
  attempts_max        integer not null,
  timeout_ms          bigint not null,
  not_before          timestamptz not null default now(),
  created_at          timestamptz not null default now(),
  started_at          timestamptz,
  completed_at        timestamptz,
  cancel_requested_at timestamptz,
  cancel_reason       text,
  progress            jsonb,
  warnings            jsonb not null default '[]',
  result              jsonb,
  result_summary      jsonb,
  provenance          jsonb,
  error               jsonb,
  check ((role = 'batch') = (parent_id is not null)),
  check ((role = 'batch') = (unit_from is not null and unit_to is not null)),
  check (unit_from < unit_to)
);

create index operation_claimable on operation (rank desc, unit_from)
  where status in ('pending', 'resuming') and role <> 'parent';
create index operation_children on operation (parent_id, unit_from) where parent_id is not null;
create index operation_recent on operation (created_at desc) where role <> 'batch';
create index operation_active on operation (status) where status in ('pending', 'resuming', 'running');
create index operation_ended on operation (completed_at) where completed_at is not null and role <> 'batch';

-- One row while an attempt holds its operation; deleted when it ends, however it ends.
create table lease (
  operation_id      text primary key references operation on delete cascade,
  epoch             integer not null,
  node_id           text not null references node,
  nonce             uuid not null,
  granted_at        timestamptz not null default now(),
  acknowledged_at   timestamptz,
  until             timestamptz not null,
  missed_heartbeats integer not null default 0
);

create index lease_of_node on lease (node_id);
create index lease_until on lease (until);

create table attempt (
  operation_id text not null references operation on delete cascade,
  epoch        integer not null,
  node_id      text not null references node,
  granted_at   timestamptz not null default now(),
  ended_at     timestamptz,
  outcome      text,
  error        jsonb,
  primary key (operation_id, epoch)
);

-- Exactly one accepted result a unit: the primary key says so whatever the code does.
create table unit_result (
  sweep_id    text not null references operation on delete cascade,
  unit_index  integer not null,
  batch_id    text not null,
  epoch       integer not null,
  parameters  jsonb not null,
  metrics     jsonb not null,
  recorded_at timestamptz not null default now(),
  primary key (sweep_id, unit_index)
);

create table log_line (
  log_line_id  bigint generated always as identity primary key,
  operation_id text not null references operation on delete cascade,
  root_id      text not null,
  epoch        integer not null,
  seq          bigint not null,
  at           timestamptz not null,
  stream       text not null,
  line         text not null,
  unique (operation_id, epoch, seq)
);

create index log_line_of_root on log_line (root_id, log_line_id);
