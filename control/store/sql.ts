import type postgres from 'postgres';

/** A connection pool or a transaction: query families take either, and the caller owns the transaction. */
export type Sql = postgres.ISql<{ bigint: bigint }>;

/** Hands a value to a jsonb parameter; postgres.js asks for a JSON type that zod's output does not carry. */
export function json(sql: Sql, value: unknown): postgres.Parameter {
  return sql.json(value as postgres.JSONValue);
}
