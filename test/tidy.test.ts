/** The rules of the house that no tool knows. Each is tried on a planted offence before it judges the tree. */
import { describe, expect, test } from 'bun:test';
import { LAYERS } from '#test/layers';
import { findImportProblems } from '#test/support/import-rules';
import { parseSource, sourceFiles } from '#test/support/source-file';
import {
  noBareSuppression,
  noForbiddenSyntax,
  noHiddenInputs,
  noLongFile,
  noLongFunction,
  noOwnTimers,
  noVagueName,
  type StyleRule,
} from '#test/support/style-rules';

interface Example {
  path?: string;
  text: string;
}

interface Rule {
  name: string;
  find: StyleRule;
  offences: Example[];
  allowed: Example[];
}

const lines = (count: number): string => 'x();\n'.repeat(count);

const RULES: Rule[] = [
  {
    name: 'imports follow the table of layers',
    find: findImportProblems,
    offences: [
      { path: 'agent/kit/a.ts', text: "import { b } from '#agent/contract/b';" },
      { path: 'agent/kit/a.ts', text: "import type { B } from '#agent/contract/b';" },
      { path: 'agent/kit/a.ts', text: "export * from '#agent/contract/b';" },
      { path: 'agent/kit/a.ts', text: "export const b = await import('#agent/contract/b');" },
      { path: 'agent/kit/a.ts', text: "export type B = import('#agent/contract/b').B;" },
      { path: 'agent/kit/b/a.ts', text: "import { c } from '../c';" },
      { path: 'agent/engine/a.ts', text: "import { readFile } from 'node:fs/promises';" },
      { path: 'agent/worker/a.ts', text: "import postgres from 'postgres';" },
      { path: 'agent/client/a.ts', text: "import { app } from '#control/http/app';" },
      { path: 'control/schedule/a.ts', text: "import { run } from '#agent/jobs/sweep/run';" },
      { path: 'agent/main.ts', text: "import { run } from './cli/run';" },
      { path: 'agent/unknown/a.ts', text: '' },
    ],
    allowed: [
      {
        path: 'agent/contract/a.ts',
        text: "import { z } from 'zod'; import { b } from '#agent/kit/b'; import './c';",
      },
      { path: 'agent/client/a.ts', text: "import type { App } from '#control/http/app';" },
      { path: 'control/schedule/a.ts', text: "import { kind } from '#agent/jobs/sweep/kind';" },
      { path: 'control/schedule/a.ts', text: "import { kinds } from '#agent/jobs/registry';" },
      { path: 'agent/kit/a.test.ts', text: "import { tempDir } from '#test/support/temp-dir';" },
      {
        path: 'control/store/a.ts',
        text: "import archive from '#dist/a.tar.gz'; import postgres from 'postgres';",
      },
    ],
  },
  {
    name: 'names say what a file does',
    find: noVagueName,
    offences: [
      'utils.ts',
      'string-helpers.ts',
      'common/a.ts',
      'job-manager.ts',
      'types.ts',
      'jobList.ts',
    ].map((name) => ({ path: `agent/kit/${name}`, text: '' })),
    allowed: ['wait-until.test.ts', 'ambient.d.ts', 'column-types.ts'].map((name) => ({
      path: `agent/kit/${name}`,
      text: '',
    })),
  },
  {
    name: 'files end at 400 lines',
    find: noLongFile,
    offences: [{ text: lines(401) }],
    allowed: [{ text: lines(400) }],
  },
  {
    name: 'functions end at 70 lines',
    find: noLongFunction,
    offences: [{ text: `function f() {\n${lines(69)}}` }, { text: `const f = () => {\n${lines(69)}}` }],
    allowed: [
      { text: `function f() {\n${lines(68)}}` },
      { path: 'agent/kit/a.test.ts', text: `describe('a', () => {\n${lines(100)}})` },
    ],
  },
  {
    name: 'no default exports, enums or namespaces',
    find: noForbiddenSyntax,
    offences: [
      { text: 'export default 1' },
      { text: 'enum A { B }' },
      { text: 'namespace A { export const b = 1 }' },
    ],
    allowed: [
      { text: "export const a = 1; declare module '*.x' { const a: string; export default a; }" },
      { path: 'lint.config.ts', text: 'export default 1' },
    ],
  },
  {
    name: 'nobody waits on a timer of their own',
    find: noOwnTimers,
    offences: [
      { text: 'await Bun.sleep(1)' },
      { text: 'setTimeout(f, 1)' },
      { text: 'globalThis.setInterval(f, 1)' },
      { text: 'retry(setTimeout)' },
      { path: 'test/system/a.test.ts', text: 'await Bun.sleep(1)' },
    ],
    allowed: [
      { path: 'agent/kit/clock.ts', text: 'setTimeout(f, 1)' },
      { path: 'test/support/wait-until.ts', text: 'await Bun.sleep(1)' },
      { text: 'await clock.sleep(1)' },
    ],
  },
  {
    name: 'clock, randomness and environment are parameters',
    find: noHiddenInputs,
    offences: [
      { text: 'Date.now()' },
      { text: 'const now = Date.now;' },
      { text: 'new Date()' },
      { text: 'Math.random()' },
      { text: 'process.env.A' },
    ],
    allowed: [{ path: 'agent/cli/a.ts', text: 'process.env.A' }, { text: 'Math.max(1, 2); new Date(0)' }],
  },
  {
    name: 'a suppression says why',
    find: noBareSuppression,
    offences: [
      { text: '// oxlint-disable-next-line no-empty\nx()' },
      { text: '// @ts-ignore because of the wrong declaration\nx()' },
      { text: '// @ts-expect-error\nx()' },
    ],
    allowed: [
      { text: '// oxlint-disable-next-line no-empty -- the file may be gone already\nx()' },
      { text: '// @ts-expect-error the declaration lacks the second overload\nx()' },
    ],
  },
];

const files = sourceFiles();

describe.each(RULES)('$name', ({ find, offences, allowed }) => {
  const judge = ({ path = 'agent/worker/planted.ts', text }: Example): string[] =>
    find(parseSource(path, text));

  test('a planted offence is found', () => {
    for (const offence of offences) expect([offence, judge(offence).length]).toEqual([offence, 1]);
  });

  test('what is allowed is left alone', () => {
    for (const example of allowed) expect(judge(example)).toEqual([]);
  });

  test('the tree keeps to it', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap((file) => find(file))).toEqual([]);
  }, 60_000);
});

test('the table of layers names only folders that have a row', () => {
  const folders = new Set(LAYERS.map(({ folder }) => folder));
  expect(folders.size).toBe(LAYERS.length);
  const named = LAYERS.flatMap(({ imports, types = [] }) => [...imports, ...types]);
  expect(named.length).toBeGreaterThan(0);
  const unknown = named.filter(
    (path) => ![...folders].some((folder) => path === folder || path.startsWith(`${folder}/`)),
  );
  expect(unknown).toEqual([]);
});
