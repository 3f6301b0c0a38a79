/**
 * The one table of who may import whom (the map of ARCHITECTURE.md). The linter's settings
 * (lint.config.ts) and test/tidy.test.ts both read it, so an editor, the gate and CI say the same.
 */
export interface Layer {
  /** A folder, or a single file, of the repository. */
  readonly folder: string;
  /**
   * What its files may import besides their own folder: a folder, a file without its extension, or a
   * pattern in which `*` stands for one name.
   */
  readonly imports: readonly string[];
  /** Of these only types: nothing of them may be left at run time. */
  readonly types?: readonly string[];
  /** Pure folders compute: no disk, no network, no processes, no foreign functions. */
  readonly pure?: true;
}

/** Names, schemas, needs and limits of a job kind, without the code that runs it. */
const JOB_DECLARATIONS = ['agent/jobs/registry', 'agent/jobs/*/kind'];

const AGENT = [
  'agent/kit',
  'agent/contract',
  'agent/engine',
  'agent/gossip',
  'agent/ib',
  'agent/probes',
  'agent/jobs',
  'agent/client',
  'agent/worker',
];
const CONTROL = ['control/store', 'control/schedule', 'control/research', 'control/http'];
/** What every start-up path may reach; the dashboard and the commands are added by the command line. */
const EVERYTHING = [...AGENT, ...CONTROL, 'agent/daemon', 'agent/cli', 'control/web'];

export const LAYERS: readonly Layer[] = [
  { folder: 'agent/kit', imports: [] },
  { folder: 'agent/contract', imports: ['agent/kit'], pure: true },
  { folder: 'agent/engine', imports: ['agent/kit', 'agent/contract'], pure: true },
  { folder: 'agent/gossip', imports: ['agent/kit', 'agent/contract'] },
  { folder: 'agent/ib', imports: ['agent/kit', 'agent/contract'] },
  { folder: 'agent/probes', imports: ['agent/kit', 'agent/contract', 'agent/ib'] },
  { folder: 'agent/jobs', imports: ['agent/kit', 'agent/contract', 'agent/engine', 'agent/ib'] },
  { folder: 'agent/client', imports: ['agent/kit', 'agent/contract'], types: ['control/http'] },
  { folder: 'agent/worker', imports: ['agent/kit', 'agent/contract', 'agent/jobs', 'agent/client'] },
  { folder: 'agent/daemon', imports: [...AGENT, ...CONTROL] },
  { folder: 'agent/cli', imports: EVERYTHING },
  { folder: 'agent/main', imports: EVERYTHING },
  { folder: 'control/store', imports: ['agent/kit', 'agent/contract'] },
  {
    folder: 'control/schedule',
    imports: ['agent/kit', 'agent/contract', ...JOB_DECLARATIONS, 'control/store'],
  },
  {
    folder: 'control/research',
    imports: [
      'agent/kit',
      'agent/contract',
      'agent/engine',
      ...JOB_DECLARATIONS,
      'control/schedule',
      'control/store',
    ],
  },
  {
    folder: 'control/http',
    imports: [
      'agent/kit',
      'agent/contract',
      'agent/engine',
      ...JOB_DECLARATIONS,
      'control/schedule',
      'control/store',
    ],
  },
  { folder: 'control/web', imports: ['agent/contract'], types: ['control/http'] },
  { folder: 'installers', imports: ['agent/kit', 'agent/contract'] },
  { folder: 'test', imports: [...EVERYTHING, 'installers'] },
];

/** Folders that may speak to an outside package; a package without a line is open to all. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  // The only folder that speaks SQL; the tests look into its tables to count results.
  postgres: ['control/store', 'test'],
  commander: ['agent/cli', 'agent/main'],
  '@commander-js/extra-typings': ['agent/cli', 'agent/main'],
  '@stoqey/ib': ['agent/ib'],
  // How the dashboard is answered is the business of the API; agents listen with Bun.serve.
  '@hono/zod-openapi': ['control/http'],
};

export const PARENT_IMPORT = 'Write #agent/…, #control/… or #test/… instead of ../';

export function describeAllowed({ folder, imports, types = [] }: Layer): string {
  const allowed = [...imports, ...types.map((path) => `types of ${path}`)];
  return `${folder} may import ${allowed.join(', ') || 'no other folder'} (test/layers.ts).`;
}

export function describePackage(folders: readonly string[]): string {
  return `Only ${folders.join(', ')} may import it (test/layers.ts).`;
}

/** The layer of a path of the repository without its extension */
export function layerOf(path: string): Layer | undefined {
  return LAYERS.find(({ folder }) => path === folder || path.startsWith(`${folder}/`));
}

/** Whether `path` (without extension) is, or lies in, what a row of the table names. */
export function covers(pattern: string, path: string): boolean {
  const parts = pattern.split('/');
  const names = path.split('/').slice(0, parts.length);
  return names.length === parts.length && parts.every((part, index) => part === '*' || part === names[index]);
}
