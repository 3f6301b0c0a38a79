import { resolve } from 'node:path';
import type { Role } from '#agent/contract/settings';

/** Which roles load a source file, and so have to start anew when it changes. */
export type SourceGraph = { roles: ReadonlyMap<string, ReadonlySet<Role>> } | { errors: string[] };

/** What the processes of a role load; both begin in daemon/run.ts, which loads a role by its name. */
const ENTRIES: Readonly<Record<'control' | 'worker', readonly string[]>> = {
  control: ['agent/daemon/control-role.ts'],
  worker: [
    'agent/daemon/worker-role.ts',
    'agent/probes/gpu/look.ts',
    'agent/worker/shim/run-shim.ts',
    'agent/worker/workload/run-workload.ts',
  ],
};
const SHARED = ['agent/daemon/run.ts', 'agent/daemon/settings.ts'];

/**
 * Bundles the sources of a checkout in memory, which both finds what keeps them from starting (syntax,
 * imports and exports that are not there) and tells who imports whom. Types do not count: they are
 * gone at run time. Paths are absolute.
 */
export async function readSourceGraph(root: string): Promise<SourceGraph> {
  const entries = [...SHARED, ...Object.values(ENTRIES).flat()].map((path) => resolve(root, path));
  const { success, logs, metafile } = await Bun.build({
    entrypoints: entries,
    target: 'bun',
    packages: 'external',
    metafile: true,
    throw: false,
  });
  if (!success) return { errors: logs.map(describeLog) };
  const imports = importsOf(metafile?.inputs ?? {});
  const roles = new Map<string, Set<Role>>();
  for (const role of ['control', 'worker'] as const) {
    const loaded = new Set<string>();
    for (const entry of ENTRIES[role]) collect(resolve(root, entry), imports, loaded);
    for (const entry of SHARED) collectStatic(resolve(root, entry), imports, loaded);
    for (const path of loaded) roles.set(path, (roles.get(path) ?? new Set()).add(role));
  }
  return { roles };
}

type Inputs = NonNullable<Bun.BuildOutput['metafile']>['inputs'];
type Imports = ReadonlyMap<string, ReadonlyArray<{ path: string; isDynamic: boolean }>>;

/** The bundler names files from the working directory. */
function importsOf(inputs: Inputs): Imports {
  return new Map(
    Object.entries(inputs).map(([path, { imports }]) => [
      resolve(path),
      imports
        .filter(({ external }) => external !== true)
        .map((found) => ({ path: resolve(found.path), isDynamic: found.kind === 'dynamic-import' })),
    ]),
  );
}

function collect(path: string, imports: Imports, found: Set<string>): void {
  if (found.has(path)) return;
  found.add(path);
  for (const next of imports.get(path) ?? []) collect(next.path, imports, found);
}

/** Without what only a role loads. */
function collectStatic(path: string, imports: Imports, found: Set<string>): void {
  found.add(path);
  for (const next of imports.get(path) ?? []) if (!next.isDynamic) collect(next.path, imports, found);
}

function describeLog({ message, position }: Bun.BuildOutput['logs'][number]): string {
  if (position === null) return message;
  return `${position.file}:${position.line}:${position.column}: ${message}`;
}
