/** The map names what is there, and leaves no folder out. */
import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKS } from '#agent/cli/doctor/run-checks';
import { capabilitiesSchema } from '#agent/contract/capability';
import { repository } from '#test/support/source-file';

const map = readFileSync(join(repository, 'ARCHITECTURE.md'), 'utf8');

test('every path in ARCHITECTURE.md exists', () => {
  const named = [...map.matchAll(/(?:agent|control|docs|installers|test)\/[\w./-]+/g)].map(([path]) =>
    path.replace(/[.]+$/, ''),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
});

test('every folder of agent/ and control/ has its line in the table', () => {
  const rows = [...map.matchAll(/^\| (\S+) \|/gm)].map(([, folder]) => folder);
  const folders = ['agent', 'control'].flatMap((parent) =>
    readdirSync(join(repository, parent), { withFileTypes: true })
      .filter((child) => child.isDirectory())
      .map(({ name }) => `${parent}/${name}`),
  );
  expect(folders.length).toBeGreaterThan(10);
  expect(folders.filter((folder) => !rows.includes(folder))).toEqual([]);
});

test('every capability has a check of doctor by its name', () => {
  const names = Object.keys(capabilitiesSchema.shape);
  expect(names.length).toBeGreaterThan(10);
  const checks = CHECKS.map(({ name }) => name);
  expect(names.filter((name) => !checks.includes(name))).toEqual([]);
});
