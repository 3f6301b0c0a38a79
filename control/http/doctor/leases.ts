import { fine, warning, type Finding } from '#agent/contract/doctor';
import type { ControlContext } from '#control/http/context';
import { countLeases } from '#control/store/server-facts';

/** The sweeper looks at least once a second; anything overdue for longer was forgotten. */
const OVERDUE_MS_MAX = 10_000;

export async function checkLeases({ database, sweeper, times }: ControlContext): Promise<Finding> {
  const { held, overdueMs } = await countLeases(database.sql);
  const derivation = [
    `a lease lasts ${times.leaseMs / 1000} s and is renewed by heartbeats every ${times.heartbeatMs / 1000} s (settings lease and heartbeat)`,
    `${held} leases are held now`,
  ];
  const heldForMs = sweeper.heldForMs;
  if (heldForMs > 0) {
    derivation.push(
      'after a start, a database outage or a clock step agents get one lease time to be heard again',
    );
    return fine(`no lease is taken back for another ${Math.ceil(heldForMs / 1000)} s`, derivation);
  }
  if (overdueMs > OVERDUE_MS_MAX) {
    const summary = `a lease has been overdue for ${Math.round(overdueMs / 1000)} s and was not taken back`;
    return warning(summary, { fix: 'restart the control plane; its log says why', derivation });
  }
  return fine(`${held} held, none overdue`, derivation);
}
