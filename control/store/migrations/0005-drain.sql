-- Since when a node drains, and who asked for it, as the caller says: for people, never for decisions.
alter table node add column draining_since timestamptz, add column draining_by text;
