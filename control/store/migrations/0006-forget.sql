-- Since when an operator has no more use for a node: left out everywhere, but its attempts keep its name.
alter table node add column forgotten_at timestamptz;
