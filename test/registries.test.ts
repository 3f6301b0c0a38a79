/**
 * Adding a probe, a job kind, a route or a command is one file (or folder) and one line in a list. Here
 * list and files are held together: nothing unlisted, nothing listed twice, everything alphabetical.
 */
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path/posix';
import { parseSource, repository, visit, type SourceFile } from '#test/support/source-file';

interface Registry {
  folder: string;
  /** The list: it imports each entry by its path. */
  list: string;
  entries: 'files' | 'folders';
  /** What lies in the folder without being an entry; every other file is one. */
  besides: readonly string[];
}

const REGISTRIES: readonly Registry[] = [
  {
    folder: 'agent/probes',
    list: 'agent/probes/registry.ts',
    entries: 'files',
    besides: [
      'cgroup',
      'container',
      'host',
      'host-id',
      'hypervisor',
      'load',
      'mounts',
      'probe',
      'run',
      'share-marks',
    ],
  },
  { folder: 'agent/jobs', list: 'agent/jobs/registry.ts', entries: 'folders', besides: [] },
  {
    folder: 'agent/engine/indicators',
    list: 'agent/engine/indicators/registry.ts',
    entries: 'files',
    besides: [
      'cache',
      'describe',
      'deviation',
      'extremes',
      'gaps',
      'indicator',
      'money-flow-volume',
      'rolling-ratio',
      'typical-price',
      'window',
    ],
  },
  {
    folder: 'agent/engine/strategy',
    list: 'agent/engine/strategy/registry.ts',
    entries: 'files',
    besides: ['describe', 'parameters', 'strategy'],
  },
  {
    folder: 'agent/cli/doctor/checks',
    list: 'agent/cli/doctor/checks/registry.ts',
    entries: 'files',
    besides: [],
  },
  { folder: 'agent/cli/commands', list: 'agent/cli/commands/registry.ts', entries: 'files', besides: [] },
  { folder: 'control/http/routes', list: 'control/http/routes/registry.ts', entries: 'files', besides: [] },
  {
    folder: 'control/store/migrations',
    list: 'control/store/migrations/registry.ts',
    entries: 'files',
    besides: [],
  },
];

describe.each(REGISTRIES)('$list', (registry) => {
  test('lists every entry of its folder and nothing else', () => {
    const entries = entriesOf(registry);
    expect(entries.length).toBeGreaterThan(0);
    const listed = listedEntries(registry, parseList(registry)).map(({ entry }) => entry);
    expect([...new Set(listed)].toSorted()).toEqual(entries);
  });

  test('is in alphabetical order, imports and list', () => {
    const list = parseList(registry);
    const listed = listedEntries(registry, list);
    const imported = listed.map(({ entry }) => entry);
    expect(imported).toEqual(imported.toSorted());
    const used = listed.flatMap(({ names }) => names).map((name) => ({ name, offset: firstUse(list, name) }));
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter(({ offset }) => offset === Infinity)).toEqual([]);
    expect(used.map(({ name }) => name)).toEqual(
      used.toSorted((left, right) => left.offset - right.offset).map(({ name }) => name),
    );
  });
});

/** Names without extension: `cpu` of `cpu.ts`, `sweep` of `sweep/`, `0001-fleet` of `0001-fleet.sql`. */
function entriesOf({ folder, list, entries, besides }: Registry): string[] {
  const children = readdirSync(join(repository, folder), { withFileTypes: true })
    .filter((child) => (entries === 'folders' ? child.isDirectory() : child.isFile()))
    .filter(({ name }) => !name.includes('.test.') && join(folder, name) !== list)
    .map(({ name }) => stem(name));
  return [...new Set(children)].filter((name) => !besides.includes(name)).toSorted();
}

interface ListedEntry {
  entry: string;
  /** What the list calls its values; types do not count. */
  names: string[];
}

function listedEntries(registry: Registry, list: SourceFile): ListedEntry[] {
  return list.syntax.module.staticImports.flatMap(({ moduleRequest, entries }) => {
    const target = targetOf(list, moduleRequest.value);
    const [first, ...deeper] = relative(registry.folder, target).split('/');
    const isInside =
      first !== undefined && first !== '..' && deeper.length > 0 === (registry.entries === 'folders');
    if (!isInside || registry.besides.includes(stem(first))) return [];
    const names = entries.filter(({ isType }) => !isType).map(({ localName }) => localName.value);
    return names.length === 0 ? [] : [{ entry: stem(first), names }];
  });
}

function targetOf(list: SourceFile, specifier: string): string {
  return specifier.startsWith('#') ? specifier.slice(1) : join(dirname(list.path), specifier);
}

function parseList({ list }: Registry): SourceFile {
  return parseSource(list, readFileSync(join(repository, list), 'utf8'));
}

/** Offset of the first use behind the imports, Infinity when there is none. */
function firstUse(list: SourceFile, name: string): number {
  const importsEnd = Math.max(...list.syntax.module.staticImports.map(({ end }) => end));
  let first = Infinity;
  visit(list, {
    Identifier: (identifier) => {
      if (identifier.name === name && identifier.start > importsEnd)
        first = Math.min(first, identifier.start);
    },
  });
  return first;
}

function stem(name: string): string {
  return name.replace(/\.[a-z]+$/, '');
}
