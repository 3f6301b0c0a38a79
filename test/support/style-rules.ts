import { basename } from 'node:path/posix';
import type { Comment } from 'oxc-parser';
import { at, lineOf, visit, type SourceFile } from './source-file';

/** A rule of the house: what one file does against it, each sentence naming the replacement. */
export type StyleRule = (file: SourceFile) => string[];

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const VAGUE_NAMES = /(^|[-/])(utils?|helpers?|common|manager)(-|\.|\/|$)|(^|\/)types(\.|\/)/;
const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|bench|config|d))?\.tsx?$/;

/** Where time passes: the real clock, the shell around the core of gossip, the bounded wait of the tests. */
const MAY_WAIT = ['agent/kit/', 'agent/gossip/driver/', 'test/support/'];
/** The shells that hand clock, randomness and environment to everything else. */
const SHELLS = ['agent/kit/', 'agent/main.ts', 'agent/cli/', 'agent/daemon/', 'test/', 'installers/'];
/** The dashboard runs in a browser, which is its own shell. */
const BROWSER = 'control/web/';

export const noVagueName: StyleRule = ({ path }) => {
  if (VAGUE_NAMES.test(path))
    return [`${path}: name it after what it does, not utils, helpers, common, manager or types`];
  return FILE_NAME.test(basename(path))
    ? []
    : [`${path}: write the name in kebab-case, after its main export`];
};

export const noLongFile: StyleRule = (file) => {
  const lines = lineOf(file, file.text.length);
  return lines > FILE_LINES_MAX + 1
    ? [`${file.path}: ${lines} lines, at most ${FILE_LINES_MAX}; split it by idea`]
    : [];
};

export const noLongFunction: StyleRule = (file) => {
  const problems: string[] = [];
  const groups = new Set<number>();
  const measure = ({ start, end }: { start: number; end: number }): void => {
    const lines = lineOf(file, end) - lineOf(file, start) + 1;
    if (lines <= FUNCTION_LINES_MAX || groups.has(start)) return;
    problems.push(
      `${at(file, start)}: ${lines} lines, at most ${FUNCTION_LINES_MAX}; move a pure part into its own function`,
    );
  };
  visit(file, {
    // The body of describe() is a group of tests, not a function to follow.
    CallExpression: ({ callee, arguments: values }) => {
      const isGroup = file.isTest && file.text.slice(callee.start, callee.end).startsWith('describe');
      if (isGroup) for (const value of values) groups.add(value.start);
    },
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  });
  return problems;
};

export const noForbiddenSyntax: StyleRule = (file) => {
  const problems: string[] = [];
  const mayDefault = file.path.endsWith('.d.ts') || /^[a-z.-]+\.ts$/.test(file.path);
  visit(file, {
    ExportDefaultDeclaration: ({ start }) => {
      if (!mayDefault && !isInModuleDeclaration(file, start)) {
        problems.push(`${at(file, start)}: export it by name instead of as default`);
      }
    },
    TSEnumDeclaration: ({ start }) => {
      problems.push(`${at(file, start)}: write a union of string literals instead of an enum`);
    },
    TSModuleDeclaration: ({ start, id }) => {
      // `declare module '*.sql'` declares a file and `declare global` the world; neither is a namespace.
      if (id.type === 'Identifier' && id.name !== 'global') {
        problems.push(`${at(file, start)}: write a module instead of a namespace`);
      }
    },
  });
  return problems;
};

function isInModuleDeclaration(file: SourceFile, offset: number): boolean {
  return file.syntax.program.body.some(
    ({ type, start, end }) => type === 'TSModuleDeclaration' && start < offset && offset < end,
  );
}

export const noOwnTimers: StyleRule = (file) => {
  if (isBelow(file, [...MAY_WAIT, BROWSER])) return [];
  const instead = file.isTest
    ? 'waitUntil() of #test/support/wait-until'
    : 'clock.sleep() of the Clock parameter';
  const timers = new Set(['setTimeout', 'setInterval', 'Bun.sleep', 'Bun.sleepSync']);
  return namesUsed(file, timers).map(({ name, where }) => `${where}: use ${instead} instead of ${name}`);
};

const WORLD: Readonly<Record<string, string>> = {
  'Date.now': 'clock.nowMs() of a Clock parameter',
  'new Date()': 'clock.nowMs() of a Clock parameter',
  'Math.random': 'an Rng parameter',
  'process.env': 'the settings, or a parameter',
  'Bun.env': 'the settings, or a parameter',
};

export const noHiddenInputs: StyleRule = (file) => {
  if (file.isTest || isBelow(file, [...SHELLS, BROWSER]) || isSetting(file)) return [];
  const found = namesUsed(file, new Set(Object.keys(WORLD)));
  return found.map(({ name, where }) => `${where}: use ${WORLD[name]} instead of ${name}`);
};

function isSetting({ path }: SourceFile): boolean {
  return !path.includes('/');
}

function isBelow({ path }: SourceFile, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder));
}

/** Uses of globals by name, `setTimeout` or `Date.now`, wherever they stand: called, passed on or read. */
function namesUsed(file: SourceFile, names: ReadonlySet<string>): Array<{ name: string; where: string }> {
  const found: Array<{ name: string; where: string }> = [];
  const note = (name: string, start: number): void => {
    if (names.has(name)) found.push({ name, where: at(file, start) });
  };
  visit(file, {
    MemberExpression: ({ object, property, start }) => {
      if (object.type !== 'Identifier' || property.type !== 'Identifier') return;
      note(`${object.name}.${property.name}`, start);
      if (object.name === 'globalThis') note(property.name, start);
    },
    NewExpression: ({ callee, arguments: values, start }) => {
      if (callee.type === 'Identifier' && values.length === 0) note(`new ${callee.name}()`, start);
    },
    CallExpression: ({ callee, arguments: values, start }) => {
      if (callee.type === 'Identifier') note(callee.name, start);
      for (const value of values) if (value.type === 'Identifier') note(value.name, value.start);
    },
  });
  return found;
}

const SUPPRESSION = /(oxlint|eslint)-disable|@ts-(ignore|expect-error|nocheck)|(oxfmt|prettier|knip)-ignore/;

/** `oxlint-disable-next-line rule -- reason` and `@ts-expect-error reason`; a bare one hides a bug. */
export const noBareSuppression: StyleRule = (file) =>
  file.syntax.comments.flatMap((comment) => {
    if (!SUPPRESSION.test(comment.value)) return [];
    const where = at(file, comment.start);
    if (/@ts-(ignore|nocheck)/.test(comment.value))
      return [`${where}: write @ts-expect-error and the reason`];
    return reasonOf(comment).length >= 10 ? [] : [`${where}: say after -- why the rule does not fit here`];
  });

function reasonOf({ value }: Comment): string {
  const [, reason] = /(?:--|@ts-expect-error|-ignore)[\s:—-]*(.*)/s.exec(value) ?? [];
  return reason?.trim() ?? '';
}
