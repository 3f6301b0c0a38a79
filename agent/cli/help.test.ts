import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capturedShell } from '#test/support/captured-shell';
import { pathOf, walkCommands } from './command-tree';
import { COMMAND_GROUPS } from './help-layout';
import { referencePage } from './reference-page';
import { createProgram } from './run-cli';

/** `UPDATE_GOLDEN=1 bun test agent/cli/help.test.ts` writes them anew. */
const GOLDENS = join(import.meta.dirname, '../../test/golden/help');
const program = createProgram(capturedShell({ columns: 100 }));

const pages = walkCommands(program).map((command) => ({ path: pathOf(command).slice(1), command }));

test.each(pages.map(({ path, command }) => [path.join(' ') || 'ktrdr-agent', command, path] as const))(
  '%s --help is the one we agreed on',
  (_name, command, path) => {
    const shown = capturedShell({ columns: 100 });
    command.configureOutput({ writeOut: (text) => shown.stdout.write(text) });
    command.outputHelp();
    const file = join(GOLDENS, `${['ktrdr-agent', ...path].join('-')}.txt`);
    if (process.env.UPDATE_GOLDEN) {
      mkdirSync(GOLDENS, { recursive: true });
      writeFileSync(file, shown.out);
    }
    expect(existsSync(file) ? readFileSync(file, 'utf8') : `no ${file}: run with UPDATE_GOLDEN=1`).toBe(
      shown.out,
    );
    for (const line of shown.out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  },
);

test('docs/cli.md has the help of every command', () => {
  const file = join(import.meta.dirname, '../../docs/cli.md');
  const page = referencePage(createProgram(capturedShell({ columns: 100 })));
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, page);
  expect(readFileSync(file, 'utf8')).toBe(page);
});

test('the commands that the README begins with are examples, which a test runs', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const commands = [...readme.matchAll(/^\| `(ktrdr-agent [^`]+)` \|/gm)].map(([, command = '']) => command);
  expect(commands).toHaveLength(10);
  const page = referencePage(program);
  expect(commands.filter((command) => !page.includes(`\n  ${command}\n`))).toEqual([]);
});

test('no golden is left of a command that is gone', () => {
  const names = pages.map(({ path }) => `${['ktrdr-agent', ...path].join('-')}.txt`);
  expect(names.length).toBeGreaterThan(15);
  expect(readdirSync(GOLDENS).toSorted()).toEqual(names.toSorted());
});

test.each(
  pages
    .filter(({ command }) => command.commands.length === 0)
    .map(({ path, command }) => [path.join(' '), command] as const),
)('%s has examples and --json', (_name, command) => {
  const shown = capturedShell();
  command.configureOutput({ writeOut: (part) => shown.stdout.write(part) });
  command.outputHelp();
  expect(shown.out).toMatch(/Examples:\n {2}# .+\n {2}ktrdr-agent /);
  expect(shown.out).toContain('--json');
});

test('every command stands under one heading of the first page', () => {
  const grouped = Object.values(COMMAND_GROUPS).flat();
  expect(new Set(grouped).size).toBe(grouped.length);
  const names = pages.filter(({ path }) => path.length === 1).map(({ path }) => path[0] ?? '');
  expect(names.filter((name) => !grouped.includes(name))).toEqual([]);
});
