import type { CatalogEntry, EntryKind } from './catalog';

/** One difference between the schema of a database and what the migrations make. */
export interface Drift {
  /** "index lease_until of lease is missing". */
  sentence: string;
  /** Something of ours is missing or another one, or something was added, which mostly does no harm. */
  severity: 'broken' | 'added';
  /** The statement that puts it right; null where no single one does. */
  sql: string | null;
}

/** What the live catalog lacks, has differently, or has besides. Tables and views of others are not ours to judge. */
export function compareCatalogs(live: readonly CatalogEntry[], expected: readonly CatalogEntry[]): Drift[] {
  const found = new Map(live.map((entry) => [keyOf(entry), entry]));
  const wanted = new Map(expected.map((entry) => [keyOf(entry), entry]));
  const objects = { live: objectsOf(live), expected: objectsOf(expected) };
  const missingObjects = [...objects.expected].filter((object) => !objects.live.has(object));
  return [
    ...missingObjects.map(missingObject),
    ...expected.flatMap((entry) => {
      if (!objects.live.has(entry.object)) return [];
      const present = found.get(keyOf(entry));
      if (present === undefined) return [missing(entry)];
      return present.definition === entry.definition ? [] : [changed(entry, present)];
    }),
    ...live.filter((entry) => objects.expected.has(entry.object) && !wanted.has(keyOf(entry))).map(added),
  ];
}

function keyOf({ object, kind, name }: CatalogEntry): string {
  return `${object}\n${kind}\n${name}`;
}

function objectsOf(entries: readonly CatalogEntry[]): Set<string> {
  return new Set(entries.map(({ object }) => object));
}

function missingObject(object: string): Drift {
  return { sentence: `${object} is missing`, severity: 'broken', sql: null };
}

function missing(entry: CatalogEntry): Drift {
  return {
    sentence: `${describe(entry)} is missing: ${entry.definition}`,
    severity: 'broken',
    sql: CREATE[entry.kind](entry),
  };
}

function changed(entry: CatalogEntry, present: CatalogEntry): Drift {
  const remade = DROP[entry.kind](entry);
  const created = CREATE[entry.kind](entry);
  return {
    sentence: `${describe(entry)} is "${present.definition}" instead of "${entry.definition}"`,
    severity: 'broken',
    // A column that is dropped takes its values along.
    sql: entry.kind === 'column' || remade === null || created === null ? null : `${remade} ${created}`,
  };
}

function added(entry: CatalogEntry): Drift {
  return {
    sentence: `${describe(entry)} is not of ours: ${entry.definition}`,
    severity: 'added',
    sql: DROP[entry.kind](entry),
  };
}

function describe({ object, kind, name }: CatalogEntry): string {
  if (kind === 'as') return `the definition of ${object}`;
  return kind === 'column' ? `column ${nameOf(object)}.${name}` : `${kind} ${name} of ${nameOf(object)}`;
}

/** `unit_result` of `table unit_result`. */
function nameOf(object: string): string {
  return object.slice(object.indexOf(' ') + 1);
}

type Statement = (entry: CatalogEntry) => string | null;

const CREATE: Readonly<Record<EntryKind, Statement>> = {
  as: () => null,
  // Rows that are there already would have no value for it.
  column: ({ object, name, definition }) =>
    object.startsWith('view ') || (definition.includes(' not null') && !definition.includes(' default '))
      ? null
      : `ALTER TABLE ${quoted(nameOf(object))} ADD COLUMN ${quoted(name)} ${definition};`,
  constraint: ({ object, name, definition }) =>
    `ALTER TABLE ${quoted(nameOf(object))} ADD CONSTRAINT ${quoted(name)} ${definition};`,
  index: ({ object, name, definition }) => {
    const unique = definition.startsWith('unique ');
    const using = unique ? definition.slice('unique '.length) : definition;
    return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quoted(name)} ON ${quoted(nameOf(object))} USING ${using};`;
  },
  trigger: ({ name, definition }) => `CREATE TRIGGER ${quoted(name)} ${definition};`,
};

/** Names that others gave may need quotes, and are pasted into a terminal. */
function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

const DROP: Readonly<Record<EntryKind, Statement>> = {
  as: () => null,
  column: ({ object, name }) =>
    object.startsWith('table ') ? `ALTER TABLE ${quoted(nameOf(object))} DROP COLUMN ${quoted(name)};` : null,
  constraint: ({ object, name }) => `ALTER TABLE ${quoted(nameOf(object))} DROP CONSTRAINT ${quoted(name)};`,
  index: ({ name }) => `DROP INDEX ${quoted(name)};`,
  trigger: ({ object, name }) => `DROP TRIGGER ${quoted(name)} ON ${quoted(nameOf(object))};`,
};
