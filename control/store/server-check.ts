import type postgres from 'postgres';
import { Fault } from '#agent/kit/error';
import { openPool, type DatabaseAddress } from './address';

/** The oldest server that the statements of the store were written for. */
const SERVER_MAJOR_MIN = 14;
const POOLER_ROUNDS = 4;

/**
 * Looks at the server through two sessions of the plainest kind, which also a pooler lets through.
 * Returns `server_version_num`. Fault(environment) when the server is too old or a pooler gives
 * each transaction another session.
 */
export async function checkServer(address: DatabaseAddress): Promise<number> {
  const first = openPlain(address);
  const second = openPlain(address);
  try {
    const rows = await first.unsafe<{ version: string; name: string }[]>(
      "select current_setting('server_version_num') as version, current_setting('server_version') as name",
    );
    const version = Number(rows[0]?.version);
    if (version < SERVER_MAJOR_MIN * 10_000) {
      const message = `Cannot use the database server: it is PostgreSQL ${rows[0]?.name}, at least ${SERVER_MAJOR_MIN} is needed`;
      throw new Fault('environment', message, {
        hint: 'upgrade the server of DATABASE_URL, or unset it to use the embedded one',
      });
    }
    if ('url' in address && (await sharesSessions(first, second))) throw poolerFault();
    return version;
  } finally {
    await Promise.all([first.end({ timeout: 1 }), second.end({ timeout: 1 })]);
  }
}

/**
 * Two connections that take turns have two backends, each always the same one, unless something in between
 * lends backends by the transaction: then both get the one that was freed last.
 */
async function sharesSessions(first: postgres.Sql, second: postgres.Sql): Promise<boolean> {
  const pids: [Set<number>, Set<number>] = [new Set(), new Set()];
  for (let round = 0; round < POOLER_ROUNDS; round++) {
    pids[0].add(await backendPid(first));
    pids[1].add(await backendPid(second));
    // Held in a transaction, a backend is not lent: now the other one must get another, if they are lent.
    await first.begin(async (held) => {
      pids[0].add(await backendPid(held));
      pids[1].add(await backendPid(second));
    });
  }
  return pids[0].size > 1 || pids[1].size > 1 || !pids[0].isDisjointFrom(pids[1]);
}

async function backendPid(sql: postgres.Sql | postgres.TransactionSql): Promise<number> {
  const rows = await sql.unsafe<{ pid: number }[]>('select pg_backend_pid() as pid');
  return Number(rows[0]?.pid);
}

/** No start-up parameters, no prepared statements, no look-up of types. */
function openPlain(address: DatabaseAddress): postgres.Sql {
  return openPool(address, {
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: 10,
    backoff: () => 0.2,
    onnotice: () => undefined,
    connection: { application_name: 'ktrdr-agent check' },
  });
}

function poolerFault(): Fault {
  const message =
    'Cannot use DATABASE_URL: a transaction pooler (such as pgbouncer) stands before the server, ' +
    'and LISTEN, advisory locks and prepared statements need a session of their own';
  return new Fault('environment', message, {
    hint: 'point DATABASE_URL at PostgreSQL itself (port 5432 instead of 6432)',
  });
}
