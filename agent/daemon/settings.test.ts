import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import { describeSettingOrigin, loadSettings, SETTINGS_BYTES_MAX, SETTINGS_PATH } from './settings';

const nothing = (): undefined => undefined;
const user = { uid: 1000, environment: { HOME: '/home/ann' }, readFile: nothing };

test('flag over environment over file over default, and each says where it came from', () => {
  const readFile = (path: string): string | undefined =>
    path === '/x.yaml' ? 'worker_port: 1\nslots: 2\nlease: 1m\n' : undefined;
  const { values, origins, file } = loadSettings({
    ...user,
    readFile,
    settingsPath: '/x.yaml',
    environment: { ...user.environment, WORKER_PORT: '3', KTRDR_SLOTS: '4' },
    flags: { worker_port: '5', api_port: undefined },
  });
  expect(file).toBe('/x.yaml');
  expect([values.worker_port, values.slots, values.lease, values.api_port]).toEqual([5, 4, 60_000, 8000]);
  const names = ['worker_port', 'slots', 'lease', 'api_port'] as const;
  expect(names.map((name) => describeSettingOrigin(origins[name]))).toEqual([
    'flag --worker-port',
    'environment KTRDR_SLOTS',
    'file /x.yaml',
    'default',
  ]);
});

test('root has the directories of the system, other users their own', () => {
  const root = loadSettings({ ...user, uid: 0 }).values;
  expect([root.state_dir, root.runtime_dir, root.cache_dir]).toEqual([
    '/var/lib/ktrdr',
    '/run/ktrdr',
    '/var/cache/ktrdr',
  ]);
  const ann = loadSettings(user).values;
  expect([ann.state_dir, ann.runtime_dir, ann.cache_dir]).toEqual([
    '/home/ann/.local/state/ktrdr',
    '/tmp/ktrdr-1000',
    '/home/ann/.cache/ktrdr',
  ]);
  const environment = { XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/c', XDG_RUNTIME_DIR: '/r' };
  const xdg = loadSettings({ ...user, environment }).values;
  expect([xdg.state_dir, xdg.runtime_dir, xdg.cache_dir]).toEqual(['/s/ktrdr', '/r/ktrdr', '/c/ktrdr']);
});

test('the token lies in the state directory and the control plane on loopback unless told otherwise', () => {
  const environment = { ...user.environment, KTRDR_STATE_DIR: '/data', API_PORT: '8123' };
  const { values } = loadSettings({ ...user, environment });
  expect([values.token_file, values.api_url]).toEqual(['/data/token', 'http://127.0.0.1:8123']);
  const told = loadSettings({ ...user, flags: { api_url: 'http://nas:9', token_file: '/t' } }).values;
  expect([told.token_file, told.api_url]).toEqual(['/t', 'http://nas:9']);
});

test('the file is the named one, or that of the environment, or the default one', () => {
  const asked: string[] = [];
  const readFile = (path: string): string => {
    asked.push(path);
    return '';
  };
  const environment = { ...user.environment, KTRDR_SETTINGS: '/environment.yaml' };
  loadSettings({ ...user, readFile, environment, settingsPath: '/flag.yaml' });
  loadSettings({ ...user, readFile, environment });
  loadSettings({ ...user, readFile });
  expect(asked).toEqual(['/flag.yaml', '/environment.yaml', SETTINGS_PATH]);
});

test('a file that is named must exist, be YAML, be small and hold known names', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'agent.yaml');
  const load = (): unknown => loadSettings({ uid: 1, environment: user.environment, settingsPath: path });
  expect(load).toThrow(`Cannot read settings from ${path}: there is no such file`);
  await writeFile(path, 'slots: [1');
  expect(load).toThrow('it is not YAML');
  await writeFile(path, 'worker_prot: 1');
  expect(load).toThrow('there is no setting "worker_prot"');
  await writeFile(path, 'x'.repeat(SETTINGS_BYTES_MAX + 1));
  expect(load).toThrow('it is larger than');
  await writeFile(path, 'slots: 3');
  expect(load).not.toThrow();
});
