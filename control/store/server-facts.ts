import { present } from '#agent/kit/assert';
import type { Sql } from './sql';

/** What the database server says of itself, in one round trip. */
export interface ServerFacts {
  version: string;
  /** Its wall clock, milliseconds since 1970. */
  nowMs: number;
  /** A standby, or a database whose transactions are read-only by default. */
  readOnly: boolean;
  databaseBytes: number;
  connections: number;
  connectionsMax: number;
  fsync: string;
  fullPageWrites: string;
}

export async function readServerFacts(sql: Sql): Promise<ServerFacts> {
  const [row] = await sql<ServerFacts[]>`
    select current_setting('server_version') as version,
           extract(epoch from clock_timestamp())::float8 * 1000 as now_ms,
           pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only,
           pg_database_size(current_database())::float8 as database_bytes,
           (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
           current_setting('max_connections')::int as connections_max,
           current_setting('fsync') as fsync,
           current_setting('full_page_writes') as full_page_writes`;
  return present(row, 'the row of the server');
}

export interface LeaseCount {
  held: number;
  /** How long the one that is overdue longest has been; 0 when none is. */
  overdueMs: number;
}

export async function countLeases(sql: Sql): Promise<LeaseCount> {
  const [row] = await sql<LeaseCount[]>`
    select count(*)::int as held,
           greatest(0, coalesce(extract(epoch from now() - min(until)), 0))::float8 * 1000 as overdue_ms
    from lease`;
  return present(row, 'the row of the count');
}
