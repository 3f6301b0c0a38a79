import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '#agent/contract/settings';
import { capturedShell } from '#test/support/captured-shell';
import { createProgram } from './run-cli';

const text = readFileSync(join(import.meta.dirname, '../../docs/agents.md'), 'utf8');
const commands = [...text.matchAll(/^ktrdr-agent (.+)$/gm)].map(([, line = '']) => line.split(' '));

test('the commands of the page exist, with their flags', () => {
  const program = createProgram(capturedShell({ columns: 100 }));
  expect(commands.length).toBeGreaterThan(5);
  for (const [name, ...words] of commands) {
    const command = program.commands.find((one) => one.name() === name);
    const flags = command?.options.map(({ long }) => long);
    for (const word of words.filter((one) => one.startsWith('--'))) expect(flags).toContain(word);
    expect(command?.name()).toBe(name ?? '');
  }
});

test('the checks that it names for doctor are there', () => {
  const folder = join(import.meta.dirname, 'doctor/checks');
  const names = commands.flatMap(([name, check]) =>
    name === 'doctor' && !check?.startsWith('-') ? [check] : [],
  );
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) expect(readFileSync(join(folder, `${name}.ts`), 'utf8')).toContain('Check');
});

test('every setting and environment name of the page is one of the table', () => {
  const known = new Set(Object.entries(SETTINGS).flatMap(([name, { env }]): string[] => [name, ...env]));
  const used = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+|[a-z]+(?:_[a-z]+)+)(?:=[^`]*)?`/g)].map(
    ([, name = '']) => name,
  );
  expect(used.length).toBeGreaterThan(15);
  for (const name of used) expect(known).toContain(name);
});
