import { expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import { fleetFile, writeFleet, type Fleet } from './dev/fleet-file';
import { effectiveSettings } from './session';
import { settingRow, SETTING_NAMES } from './setting-view';

function fleetOf(directory: string): Fleet {
  return {
    version: 1,
    directory,
    api_url: 'http://127.0.0.1:8123',
    token_file: `${directory}/control/token`,
    members: [],
  };
}

test('the fleet of dev up is found without flags, and config says so', async () => {
  await using folder = await tempDir();
  writeFleet(fleetOf(folder.path));
  const shell = {
    uid: 1000,
    environment: { HOME: '/home/ann', KTRDR_DEV_DIR: folder.path, KTRDR_SETTINGS: '' },
  };
  const { settings, fleet } = effectiveSettings(shell, {});
  expect(fleet?.directory).toBe(folder.path);
  expect(settings.values.api_url).toBe('http://127.0.0.1:8123');
  const row = settingRow(settings, 'token_file');
  expect([row.value, row.origin]).toEqual([
    `${folder.path}/control/token`,
    `dev fleet ${folder.path}/dev.json`,
  ]);
});

test('whoever says another way is not sent to the fleet', async () => {
  await using folder = await tempDir();
  writeFleet(fleetOf(folder.path));
  const environment = { HOME: '/home/ann', KTRDR_DEV_DIR: folder.path };
  const url = (more: Record<string, string>, flags = {}): string =>
    effectiveSettings({ uid: 1000, environment: { ...environment, ...more } }, flags).settings.values.api_url;
  expect(url({ KTRDR_API_URL: 'http://nas:8000' })).toBe('http://nas:8000');
  expect(url({ API_PORT: '8001' })).toBe('http://127.0.0.1:8001');
  expect(url({ KTRDR_TOKEN_FILE: '/token' })).toBe('http://127.0.0.1:8000');
  expect(url({}, { apiUrl: 'http://other:1' })).toBe('http://other:1');
  // A profile is no more than another default.
  expect(url({ KTRDR_PROFILE: 'dev' })).toBe('http://127.0.0.1:8123');
});

test('a damaged fleet file says what to do, a missing one nothing', async () => {
  await using folder = await tempDir();
  const shell = { uid: 1000, environment: { HOME: '/home/ann', KTRDR_DEV_DIR: folder.path } };
  expect(effectiveSettings(shell, {}).fleet).toBeUndefined();
  await mkdir(folder.path, { recursive: true });
  await writeFile(fleetFile(folder.path), '{');
  expect(() => effectiveSettings(shell, {})).toThrow(join(folder.path, 'dev.json'));
});

test('config never shows a secret', () => {
  const environment = {
    HOME: '/home/ann',
    DATABASE_URL: 'postgres://ktrdr:hunter2@db/ktrdr',
    KTRDR_DEV_DIR: '/none',
  };
  const { settings } = effectiveSettings({ uid: 1000, environment }, {});
  const rows = SETTING_NAMES.map((name) => settingRow(settings, name));
  expect(JSON.stringify(rows)).not.toContain('hunter2');
  const row = rows.find(({ name }) => name === 'database_url');
  expect([row?.value, row?.origin]).toEqual(['(hidden)', 'environment DATABASE_URL']);
});
