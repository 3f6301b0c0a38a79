import { dirname, join } from 'node:path/posix';
import {
  covers,
  describeAllowed,
  describePackage,
  layerOf,
  PACKAGES,
  PARENT_IMPORT,
  type Layer,
} from '#test/layers';
import { at, importedModules, type ImportedModule, type SourceFile } from './source-file';

/** Modules by which a program meets the world: closed to the pure folders of the table. */
const WORLD =
  /^(bun:|node:(fs|net|http|https|http2|tls|dns|dgram|os|child_process|process|worker_threads|cluster)(\/|$))/;

/** What a file imports against the table of layers, one sentence each. */
export function findImportProblems(file: SourceFile): string[] {
  const layer = layerOf(withoutExtension(file.path));
  if (layer === undefined) {
    return file.path.includes('/') ? [`${file.path}: give its folder a row in test/layers.ts`] : [];
  }
  return importedModules(file).flatMap((imported) => {
    const problem = judge(file, layer, imported);
    return problem === undefined
      ? []
      : [`${at(file, imported.offset)} imports ${imported.specifier}: ${problem}`];
  });
}

function judge(file: SourceFile, layer: Layer, { specifier, isType }: ImportedModule): string | undefined {
  if (specifier.startsWith('..')) return PARENT_IMPORT;
  if (specifier.startsWith('./')) {
    const target = layerOf(join(dirname(file.path), withoutExtension(specifier)));
    return target === layer ? undefined : `Write #agent/… or #control/…; ./ stays inside ${layer.folder}.`;
  }
  if (!specifier.startsWith('#')) return judgePackage(file, layer, specifier);
  const path = withoutExtension(specifier.slice(1));
  const target = layerOf(path);
  // Built files (#dist/…) have no layer.
  if (target === undefined || target === layer || (file.isTest && target.folder === 'test')) return undefined;
  if (layer.imports.some((pattern) => covers(pattern, path))) return undefined;
  if (layer.types?.some((pattern) => covers(pattern, path))) {
    return isType ? undefined : `Write import type; ${describeAllowed(layer)}`;
  }
  return describeAllowed(layer);
}

function judgePackage(file: SourceFile, layer: Layer, specifier: string): string | undefined {
  if (layer.pure && !file.isTest && WORLD.test(specifier)) {
    return `${layer.folder} is pure: take what it needs as a parameter.`;
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const folders = PACKAGES[name];
  return folders === undefined || folders.includes(layer.folder) ? undefined : describePackage(folders);
}

function withoutExtension(path: string): string {
  return path.replace(/\.(tsx?|js)$/, '');
}
