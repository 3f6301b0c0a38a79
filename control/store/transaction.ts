import { errorCode } from '#agent/kit/error';
import type { Database } from './connect';
import type { Sql } from './sql';

const TRIES_MAX = 3;
const DEADLOCK_DETECTED = '40P01';

/**
 * Runs work in one transaction. When PostgreSQL ends it to resolve a deadlock nothing of it was written,
 * and it runs again: the work must have no effects but those of its statements.
 */
export async function transaction<T>(database: Database, work: (sql: Sql) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      const done = await database.sql.begin(async (sql) => ({ result: await work(sql) }));
      return done.result;
    } catch (error) {
      if (errorCode(error) !== DEADLOCK_DETECTED || attempt === TRIES_MAX) throw error;
      database.log.warn('a transaction met a deadlock and runs again', { attempt });
    }
  }
}
