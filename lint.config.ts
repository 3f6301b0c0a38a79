/**
 * The linter's settings of the gate: .oxlintrc.jsonc and, per folder, the table of test/layers.ts.
 * Needs `bun --bun oxlint -c lint.config.ts`, since older Node.js cannot load TypeScript.
 */
import { defineConfig } from 'oxlint';
import base from './.oxlintrc.jsonc';
import { describeAllowed, describePackage, LAYERS, PACKAGES, PARENT_IMPORT, type Layer } from './test/layers';

type Base = Parameters<typeof defineConfig>[0];
const rules = base as Base;

export default defineConfig({
  ...rules,
  overrides: [...(rules.overrides ?? []), ...LAYERS.flatMap((layer) => restrictions(layer))],
});

type Override = NonNullable<Base['overrides']>[number];

function restrictions(layer: Layer): Override[] {
  const source = sourceOf(layer);
  return [
    { files: [source], rules: forbid(layer) },
    // Unit tests sit beside their source and may also use the support of test/.
    {
      files: [source.replace('*.ts', '*.test.ts')],
      rules: forbid({ ...layer, imports: [...layer.imports, 'test'] }),
    },
  ];
}

function sourceOf({ folder }: Layer): string {
  return folder === 'agent/main' ? 'agent/main.ts' : `${folder}/**/*.ts`;
}

function forbid(layer: Layer): NonNullable<Override['rules']> {
  const types = layer.types ?? [];
  const others = LAYERS.map(({ folder }) => folder).filter((folder) => folder !== layer.folder);
  const closed = others.filter((folder) => !layer.imports.includes(folder) && !types.includes(folder));
  // A pattern such as agent/jobs/*/kind opens a part of a folder that is closed otherwise.
  const opened = layer.imports.filter((path) => !others.includes(path));
  const patterns = [
    {
      group: [
        ...closed.flatMap((folder) => [`#${folder}`, `#${folder}/**`]),
        ...opened.map((path) => `!#${path}`),
      ],
      message: describeAllowed(layer),
    },
    { group: ['../**'], message: PARENT_IMPORT },
    ...types.map((folder) => ({
      group: [`#${folder}/**`],
      allowTypeImports: true,
      message: `${layer.folder} may import only types of ${folder}: write import type.`,
    })),
  ];
  const paths = Object.entries(PACKAGES)
    .filter(([, folders]) => !folders.includes(layer.folder))
    .map(([name, folders]) => ({ name, message: describePackage(folders) }));
  return { 'no-restricted-imports': ['error', { patterns, paths }] };
}
