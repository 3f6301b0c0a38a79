import { databaseClockMs, expireLease, overdueLeases } from '#control/store/leases';
import type { Sql } from '#control/store/sql';
import type { SweepResult, TakeBack } from './lease-sweeper';

/** Leases taken back in one go: the next sweep takes the rest. */
const LEASES_PER_SWEEP = 500;

export interface SweepContext {
  sql: Sql;
  transaction: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
}

/** One sweep: each overdue lease in a transaction of its own, so that one cannot block the others. */
export async function sweepLeases(
  context: SweepContext,
  options: { takeBack: TakeBack },
): Promise<SweepResult> {
  const databaseMs = await databaseClockMs(context.sql);
  const taken: string[] = [];
  if (options.takeBack(databaseMs)) {
    for (const lease of await overdueLeases(context.sql, { databaseMs, limit: LEASES_PER_SWEEP })) {
      if (await context.transaction((sql) => expireLease(sql, lease))) taken.push(lease.operationId);
    }
  }
  return { taken };
}
