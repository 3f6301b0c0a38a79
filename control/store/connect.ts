import postgres from 'postgres';
import { Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { describeAddress, openPool, type DatabaseAddress } from './address';
import { columnTypes } from './column-types';
import { checkServer } from './server-check';
import { toStoreError, withStoreErrors } from './store-error';

/** What statements are written with; see postgres.js. `bigint` parameters are allowed. */
export type Sql = postgres.Sql<{ bigint: bigint }>;
/** The same inside `sql.begin()`. */
export type TransactionSql = postgres.TransactionSql<{ bigint: bigint }>;

export interface ConnectOptions {
  address: DatabaseAddress;
  log: Log;
  /** Seen in pg_stat_activity. */
  applicationName?: string;
  connectionsMax?: number;
  /** The server ends a longer statement, and it becomes Fault(timeout); 0 is no limit. */
  statementTimeoutMs?: number;
}

/**
 * A pool of connections. Rows have camelCase columns; int8 and numeric are numbers (an integer that a
 * double cannot hold is a bug), timestamptz and date are ISO strings with microseconds (see instant.ts),
 * json values keep their keys. A statement rejects with Fault(unavailable) when the server is away, with
 * Fault(disk_full), Fault(timeout), or with postgres.js's own PostgresError.
 */
export interface Database extends AsyncDisposable {
  readonly sql: Sql;
  /** As `server_version_num`, e.g. 180004. */
  readonly serverVersion: number;
  readonly log: Log;
  /** Waits `timeoutMs` for running statements, then ends the connections. */
  close(timeoutMs?: number): Promise<void>;
}

/**
 * Connects, and refuses a server that cannot work: Fault(environment) for one that is older than
 * PostgreSQL 14 or behind a transaction pooler, Fault(settings) for a wrong URL, user or password,
 * Fault(unavailable) when there is none. No message ever holds the password.
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const target = describeAddress(options.address);
  try {
    const serverVersion = await checkServer(options.address);
    const raw = open(options.address, options);
    try {
      await raw`select 1`;
    } catch (error) {
      await raw.end({ timeout: 1 });
      throw error;
    }
    return database(raw, serverVersion, options.log);
  } catch (error) {
    throw connectionFault(error, target);
  }
}

function database(raw: Sql, serverVersion: number, log: Log): Database {
  const close = async (timeoutMs = 5_000): Promise<void> => {
    await raw.end({ timeout: timeoutMs / 1000 });
  };
  return { sql: withStoreErrors(raw), serverVersion, log, close, [Symbol.asyncDispose]: () => close() };
}

function open(address: DatabaseAddress, options: ConnectOptions): Sql {
  const settings = {
    max: options.connectionsMax ?? 10,
    connect_timeout: 10,
    // A server that was away is tried again each second, not after the 20 s of the default.
    backoff: (attempt: number) => Math.min(1, 0.05 * 2 ** attempt),
    onnotice: (notice: postgres.Notice) =>
      options.log.debug('database notice', { notice: notice['message'] }),
    transform: { column: postgres.camel.column },
    types: columnTypes,
    connection: {
      application_name: options.applicationName ?? 'ktrdr-agent',
      TimeZone: 'UTC',
      DateStyle: 'ISO',
      statement_timeout: options.statementTimeoutMs ?? 30_000,
      idle_in_transaction_session_timeout: 60_000,
    },
  };
  // The types of postgres.js derive bigint from the table of types only when that table is a literal.
  return openPool(address, settings) as unknown as Sql;
}

function connectionFault(error: unknown, target: string): unknown {
  // pgbouncer names the start-up parameter that it does not know, also in session mode.
  if (error instanceof Error && error.message.includes('unsupported startup parameter')) {
    const message = `Cannot connect to ${target}: a pooler stands before it (${error.message})`;
    throw new Fault('environment', message, {
      cause: error,
      hint: 'point DATABASE_URL at PostgreSQL itself (port 5432 instead of 6432)',
    });
  }
  const mapped = toStoreError(error);
  if (!(mapped instanceof Fault)) return mapped;
  if (mapped.code === 'environment') return mapped;
  const state = mapped.cause instanceof Error ? mapped.cause.message : mapped.message;
  return new Fault(mapped.code, `Cannot connect to ${target}: ${state}`, {
    cause: mapped.cause,
    ...(mapped.hint === undefined ? {} : { hint: mapped.hint }),
  });
}
