import { buildInfo } from '#agent/kit/build-info';
import { Fault } from '#agent/kit/error';
import type { Database, TransactionSql } from './connect';
import { MIGRATIONS, type Migration } from './migrations/registry';

/** Any number will do, as long as every version of this program takes the same one. */
const MIGRATION_LOCK = 7_317_202_611n;

/**
 * Brings the schema up to what this binary knows, all or nothing; safe when several control planes do it
 * at once. Fault(environment) when a migration was changed after it was applied, or when the database
 * holds a newer one that is marked breaking. Newer ones that are not are tolerated.
 * Returns the names of those that were applied now.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<string[]> {
  return await database.sql.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    await sql`set local statement_timeout = 0`;
    await createTable(sql);
    const applied = await sql<Applied[]>`
      select number, name, checksum, breaking, applied_by from schema_migration order by number`;
    checkDrift(applied, migrations);
    checkNewer(applied, migrations, database);
    const pending = migrations.filter((known) => !applied.some((row) => row.number === known.number));
    for (const migration of pending) await apply(sql, migration);
    return pending.map((migration) => migration.name);
  });
}

/** A migration whose first line is this one makes older binaries refuse the database. */
const BREAKING_MARK = '-- breaking';

interface Applied {
  number: number;
  name: string;
  checksum: string;
  breaking: boolean;
  appliedBy: string;
}

async function createTable(sql: TransactionSql): Promise<void> {
  const found = await sql`select to_regclass('schema_migration') is not null as exists`;
  if (found[0]?.['exists'] === true) return;
  await sql`
    create table schema_migration (
      number     integer primary key,
      name       text not null,
      checksum   text not null,
      breaking   boolean not null,
      applied_by text not null,
      applied_at timestamptz not null default now()
    )`;
}

async function apply(sql: TransactionSql, migration: Migration): Promise<void> {
  try {
    await sql.unsafe(migration.text);
  } catch (cause) {
    throw new Fault('environment', `Cannot migrate the database: ${migration.name} failed`, { cause });
  }
  await sql`
    insert into schema_migration (number, name, checksum, breaking, applied_by) values (
      ${migration.number}, ${migration.name}, ${checksum(migration)},
      ${migration.text.startsWith(BREAKING_MARK)}, ${buildInfo.version})`;
}

function checkDrift(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const migration of migrations) {
    const row = applied.find((candidate) => candidate.number === migration.number);
    if (row === undefined || row.checksum === checksum(migration)) continue;
    const message = `Cannot use the database: its migration ${row.name} is not the ${migration.name} of this binary`;
    throw new Fault('environment', message, {
      hint: `run the version ${row.appliedBy}, which applied it, or restore a backup into a new database`,
      details: { number: row.number, found: row.checksum, expected: checksum(migration) },
    });
  }
}

function checkNewer(applied: readonly Applied[], migrations: readonly Migration[], database: Database): void {
  const newest = Math.max(0, ...migrations.map((migration) => migration.number));
  const newer = applied.filter((row) => row.number > newest);
  const breaking = newer.findLast((row) => row.breaking);
  if (breaking !== undefined) {
    const message =
      `Cannot use the database: its schema is at ${breaking.name} (by version ${breaking.appliedBy}), ` +
      `this binary (version ${buildInfo.version}) knows it up to ${newest}`;
    throw new Fault('environment', message, {
      hint: `install ktrdr-agent ${breaking.appliedBy} or newer`,
      details: { found: breaking.number, known: newest },
    });
  }
  if (newer.length > 0) {
    database.log.warn('the database has a newer schema that this version can work with', {
      found: newer.at(-1)?.name,
      known: newest,
    });
  }
}

/** What an applied migration is recognised by. */
export function checksum(migration: Migration): string {
  return new Bun.CryptoHasher('sha256').update(migration.text).digest('hex');
}

/** The number of the newest migration the database holds. */
export async function schemaVersion(database: Database): Promise<number> {
  const [row] = await database.sql<{ number: number }[]>`
    select coalesce(max(number), 0)::int as number from schema_migration`;
  return row?.number ?? 0;
}
