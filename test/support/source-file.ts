import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync, Visitor, type ParseResult, type VisitorObject } from 'oxc-parser';

export const repository = dirname(dirname(import.meta.dirname));

const FOLDERS = ['agent', 'control', 'installers', 'test', 'systemd', 'lxc'];

/** A parsed TypeScript file of the repository. */
export interface SourceFile {
  /** Relative to the repository, e.g. `agent/kit/clock.ts`. */
  readonly path: string;
  readonly text: string;
  readonly syntax: ParseResult;
  readonly isTest: boolean;
}

/** Every TypeScript file of the product, sorted by path. */
export function sourceFiles(): SourceFile[] {
  // Bun's globs do not nest braces.
  const globs = ['*', ...FOLDERS.map((folder) => `${folder}/**/*`)].map(
    (place) => new Bun.Glob(`${place}.{ts,tsx}`),
  );
  const paths = globs.flatMap((glob) => [...glob.scanSync({ cwd: repository })]).toSorted();
  return paths.map((path) => parseSource(path, readFileSync(join(repository, path), 'utf8')));
}

/** @throws when the text is not valid TypeScript. */
export function parseSource(path: string, text: string): SourceFile {
  const syntax = parseSync(path, text);
  const [error] = syntax.errors;
  if (error !== undefined) throw new Error(`Cannot parse ${path}: ${error.message}`);
  return { path, text, syntax, isTest: path.startsWith('test/') || path.includes('.test.') };
}

export function visit(file: SourceFile, visitor: VisitorObject): void {
  new Visitor(visitor).visit(file.syntax.program);
}

/** `agent/kit/clock.ts:12`, which terminals and editors turn into a link. */
export function at(file: SourceFile, offset: number): string {
  return `${file.path}:${lineOf(file, offset)}`;
}

export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

export interface ImportedModule {
  readonly specifier: string;
  readonly isType: boolean;
  readonly offset: number;
}

/** Every way to name another module: import, import type, re-export, import() and import('…').Type. */
export function importedModules(file: SourceFile): ImportedModule[] {
  const found: ImportedModule[] = [];
  const add = (specifier: string, isType: boolean, offset: number): void => {
    found.push({ specifier, isType, offset });
  };
  visit(file, {
    ImportDeclaration: ({ source, importKind, specifiers, start }) => {
      const named = specifiers.filter((specifier) => specifier.type === 'ImportSpecifier');
      // `import { type A }` leaves no name at run time either, though it does load the module.
      const onlyTypes = named.length > 0 && named.length === specifiers.length;
      const isType =
        importKind === 'type' || (onlyTypes && named.every((name) => name.importKind === 'type'));
      add(source.value, isType, start);
    },
    ExportNamedDeclaration: ({ source, exportKind, start }) => {
      if (source) add(source.value, exportKind === 'type', start);
    },
    ExportAllDeclaration: ({ source, exportKind, start }) => add(source.value, exportKind === 'type', start),
    ImportExpression: ({ source, start }) => {
      if (source.type === 'Literal' && typeof source.value === 'string') add(source.value, false, start);
    },
    TSImportType: ({ source, start }) => add(source.value, true, start),
  });
  return found;
}
