import { broken, fine, warning, type Finding } from '#agent/contract/doctor';
import type { ControlContext } from '#control/http/context';
import { readServerFacts, type ServerFacts } from '#control/store/server-facts';

/** Leases are judged by the database's clock and shown by the control plane's. */
const CLOCK_MS_MAX = 1_000;
const CONNECTIONS_SHARE_MAX = 0.8;
const SLOW_MS = 250;

export async function checkDatabase({ database, databaseKind, clock }: ControlContext): Promise<Finding> {
  const sentMs = clock.nowMs();
  const facts = await readServerFacts(database.sql);
  const receivedMs = clock.nowMs();
  return judgeDatabase(facts, {
    kind: databaseKind,
    roundTripMs: receivedMs - sentMs,
    aheadMs: facts.nowMs - (sentMs + receivedMs) / 2,
  });
}

interface Contact {
  kind: 'embedded' | 'external';
  roundTripMs: number;
  /** The database's clock less the control plane's. */
  aheadMs: number;
}

export function judgeDatabase(facts: ServerFacts, { kind, roundTripMs, aheadMs }: Contact): Finding {
  const mebibytes = Math.round(facts.databaseBytes / 2 ** 20);
  const name = `PostgreSQL ${facts.version} (${kind})`;
  const derivation = [
    `${name}, database of ${mebibytes} MiB, answered in ${roundTripMs} ms`,
    `${facts.connections} of ${facts.connectionsMax} connections in use (pg_stat_activity, max_connections)`,
    `its clock is ${Math.abs(Math.round(aheadMs))} ms ${aheadMs < 0 ? 'behind' : 'ahead of'} that of the control plane, give or take ${Math.ceil(roundTripMs / 2)} ms`,
    `fsync ${facts.fsync}, full_page_writes ${facts.fullPageWrites}`,
    'no transaction pooler stands in between (looked for when connecting)',
  ];
  if (facts.readOnly) {
    return broken(`${name} takes no writes: it is a standby or read-only`, {
      fix: 'point DATABASE_URL at the primary server',
      derivation,
    });
  }
  if (facts.fsync !== 'on' || facts.fullPageWrites !== 'on') {
    return broken(`${name} may lose everything at a power cut: fsync or full_page_writes is off`, {
      fix: 'ALTER SYSTEM RESET fsync; ALTER SYSTEM RESET full_page_writes; SELECT pg_reload_conf();',
      derivation,
    });
  }
  if (facts.connections > facts.connectionsMax * CONNECTIONS_SHARE_MAX) {
    return warning(`${name} has ${facts.connections} of ${facts.connectionsMax} connections in use`, {
      fix: 'raise max_connections of that server, or stop what holds them (select * from pg_stat_activity)',
      derivation,
    });
  }
  if (Math.abs(aheadMs) - roundTripMs / 2 > CLOCK_MS_MAX) {
    const direction = aheadMs < 0 ? 'behind' : 'ahead of';
    return warning(
      `its clock is ${(Math.abs(aheadMs) / 1000).toFixed(1)} s ${direction} that of the control plane`,
      { fix: 'timedatectl set-ntp true, on both machines', derivation },
    );
  }
  if (roundTripMs > SLOW_MS) {
    return warning(`${name} took ${roundTripMs} ms to answer`, {
      fix: 'look at the load and the disk of the database server',
      derivation,
    });
  }
  return fine(`${name}, ${mebibytes} MiB, answers in ${roundTripMs} ms`, derivation);
}
