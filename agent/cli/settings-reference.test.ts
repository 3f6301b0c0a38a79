import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OWN_NAMES, SEED_NAMES } from '#agent/contract/seed-names';
import { SETTINGS } from '#agent/contract/settings';
import type { Setting } from '#agent/kit/config';
import { capturedShell } from '#test/support/captured-shell';
import { settingsReference } from '#test/support/settings-reference';
import { repository } from '#test/support/source-file';
import { createProgram } from './run-cli';

/** `UPDATE_GOLDEN=1 bun test agent/cli/settings-reference.test.ts` writes it anew. */
const PAGE = join(repository, 'docs/settings.md');

test('docs/settings.md is what the tables say', () => {
  const text = settingsReference();
  if (process.env.UPDATE_GOLDEN) writeFileSync(PAGE, text);
  expect(readFileSync(PAGE, 'utf8')).toBe(text);
  for (const name of [...Object.keys(SETTINGS), ...Object.keys(SEED_NAMES), ...Object.keys(OWN_NAMES)]) {
    expect(text).toContain(`\`${name}\``);
  }
});

test('the commands of the page run', async () => {
  const commands = [...settingsReference().matchAll(/^ktrdr-agent (.+)$/gm)].map(([, args = '']) => args);
  expect(commands.length).toBeGreaterThan(2);
  for (const args of commands) {
    const shell = capturedShell({ environment: { HOME: '/home/ann', KTRDR_DEV_DIR: '/none' } });
    await createProgram(shell).parseAsync(args.split(' '), { from: 'user' });
    expect(shell.out).toContain('slots');
  }
});

test('every setting that is more than a line of the file is a flag of run, and every flag a setting', () => {
  const run = createProgram(capturedShell()).commands.find((command) => command.name() === 'run');
  const flags = run?.options.map(({ long }) => long?.slice(2).replaceAll('-', '_') ?? '') ?? [];
  const settings = flags.filter((name) => !['help', 'json', 'settings'].includes(name));
  const names = Object.entries<Setting>(SETTINGS).filter(([, { env }]) => env.length > 0);
  expect(settings).toEqual(names.map(([name]) => name));
  expect(Object.keys(SETTINGS)).toEqual(Object.keys(SETTINGS).toSorted());
});

test('every variable of the scripts is known, so that none is taken for a misspelt setting', () => {
  const folder = join(repository, 'installers');
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.sh'));
  const used = scripts.flatMap(
    (name) => readFileSync(join(folder, name), 'utf8').match(/\bKTRDR_[A-Z_]+\b/g) ?? [],
  );
  expect(used.length).toBeGreaterThan(5);
  const known = new Set([
    ...Object.keys(OWN_NAMES),
    ...Object.values(SETTINGS).flatMap(({ env }): readonly string[] => env),
  ]);
  expect([...new Set(used)].filter((name) => !known.has(name))).toEqual([]);
});
