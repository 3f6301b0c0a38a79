import { broken, fine, warning, type Finding } from '#agent/contract/doctor';
import type { ControlContext } from '#control/http/context';
import { readDrift, type SchemaReading } from '#control/store/schema/read-drift';

export async function checkSchema({ database, build }: ControlContext): Promise<Finding> {
  return judgeSchema(await readDrift(database), build.version);
}

const STATEMENTS_MAX = 8;
const BACKUP = 'restore a backup into a new database, or run the version that applied it';

/** Drift as sentences, with the statements that put it right. */
export function judgeSchema(reading: SchemaReading, version: string): Finding {
  const { applied, changed, pending, newer, drifts } = reading;
  const last = applied.at(-1);
  const derivation = [
    ...applied.map(({ name, appliedBy }) => `${name} was applied by version ${appliedBy}`),
    'compared: columns, defaults, constraints, indexes, triggers, views and functions of the live catalog',
    ...drifts.map(({ sentence }) => sentence),
  ];
  const [altered] = changed;
  if (altered !== undefined) {
    const summary = `migration ${altered} of the database is not the one of this binary`;
    return broken(summary, { fix: BACKUP, derivation });
  }
  if (newer !== null) {
    const summary = `the schema is newer (${newer.name}) than version ${version} knows, so it was not compared`;
    return warning(summary, { fix: `install ktrdr-agent ${newer.appliedBy} or newer here`, derivation });
  }
  if (pending.length > 0) {
    const summary = `migrations were not applied: ${pending.join(', ')}`;
    return broken(summary, { fix: 'restart the control plane: it applies them at its start', derivation });
  }
  const grave = drifts.filter(({ severity }) => severity === 'broken');
  const [first] = grave.length > 0 ? grave : drifts;
  if (first === undefined) {
    return fine(`schema ${last?.name ?? 'empty'}, as the migrations make it`, derivation);
  }
  const others = drifts.length === 1 ? '' : `, and ${drifts.length - 1} more`;
  const judge = grave.length > 0 ? broken : warning;
  const shown = grave.length > 0 ? grave : drifts;
  return judge(`${first.sentence}${others}`, { fix: fixOf(shown, grave.length > 0), derivation });
}

function fixOf(drifts: SchemaReading['drifts'], isGrave: boolean): string {
  const statements = drifts.flatMap(({ sql }) => sql ?? []).slice(0, STATEMENTS_MAX);
  if (statements.length === 0) return BACKUP;
  const when = isGrave ? 'run this SQL in the database' : 'if nobody needs it, run this SQL in the database';
  return `${when}: ${statements.join(' ')}`;
}
