import type { Database } from '#control/store/connect';
import { checksum } from '#control/store/migrate';
import { MIGRATIONS } from '#control/store/migrations/registry';
import { parseCatalog, readCatalog } from './catalog';
import { compareCatalogs, type Drift } from './drift';
// The schema that the migrations make, and its documentation; written by schema.test.ts.
import expected from './schema.txt' with { type: 'text' };

export interface SchemaReading {
  /** Migrations that the database holds, oldest first. */
  applied: { number: number; name: string; appliedBy: string }[];
  /** Applied migrations whose text is not the one of this binary. */
  changed: string[];
  /** Migrations of this binary that were not applied. */
  pending: string[];
  /** The latest migration that this binary does not know: its schema is not ours to compare. */
  newer: { name: string; appliedBy: string } | null;
  drifts: Drift[];
}

/** Compares the live catalog, and the migrations it came from, with those of this binary. */
export async function readDrift(database: Database): Promise<SchemaReading> {
  const { sql } = database;
  const [applied, live] = await Promise.all([
    sql<{ number: number; name: string; checksum: string; appliedBy: string }[]>`
      select number, name, checksum, applied_by from schema_migration order by number`,
    readCatalog(sql),
  ]);
  const byNumber = new Map(applied.map((row) => [row.number, row]));
  const latest = applied.findLast(({ number }) => MIGRATIONS.every((known) => known.number < number));
  return {
    applied: applied.map(({ number, name, appliedBy }) => ({ number, name, appliedBy })),
    changed: MIGRATIONS.filter((known) => {
      const row = byNumber.get(known.number);
      return row !== undefined && row.checksum !== checksum(known);
    }).map(({ name }) => name),
    pending: MIGRATIONS.filter(({ number }) => !byNumber.has(number)).map(({ name }) => name),
    newer: latest === undefined ? null : { name: latest.name, appliedBy: latest.appliedBy },
    drifts: compareCatalogs(live, parseCatalog(expected)),
  };
}
