import { describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROFILES } from '#agent/contract/settings';
import { Fault } from '#agent/kit/error';
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
  await writeFile(path, 'slots: 1\nlease: 9s\nslots : 2');
  expect(load).toThrow('"slots" is there twice');
  await writeFile(path, 'x'.repeat(SETTINGS_BYTES_MAX + 1));
  expect(load).toThrow('it is larger than');
  await writeFile(path, 'slots: 3\nsoftware_commands:\n  slots: git --version\n# slots: 4\n');
  expect(load).not.toThrow();
});

describe('profiles', () => {
  const at = (environment: Record<string, string>, text = '', flags = {}) =>
    loadSettings({
      ...user,
      environment: { ...user.environment, ...environment },
      flags,
      readFile: (path) => (path === SETTINGS_PATH ? text : undefined),
    });

  test('lie below the file, and are chosen by flag, environment or file', () => {
    const { values, origins, given } = at({ KTRDR_PROFILE: 'prod' }, 'slots: 3\n');
    expect([values.slots, values.log_format, values.memory_per_slot]).toEqual([3, 'json', 2 ** 30]);
    expect(describeSettingOrigin(origins.log_format)).toBe('profile prod');
    expect(describeSettingOrigin(origins.slots)).toBe(`file ${SETTINGS_PATH}`);
    expect(given.slots.map(({ origin, raw }) => [describeSettingOrigin(origin), raw])).toEqual([
      [`file ${SETTINGS_PATH}`, 3],
      ['profile prod', 'auto'],
    ]);
    expect(at({}, 'profile: dev\n').values.slots).toBe('50%');
    expect(at({ KTRDR_PROFILE: 'prod' }, 'profile: dev\n').values.log_format).toBe('json');
    expect(at({ KTRDR_PROFILE: 'prod' }, '', { profile: 'dev' }).values.slots).toBe('50%');
  });

  test.each(PROFILES)('%s holds settings of ours, all of which change something', (profile) => {
    const plain = loadSettings(user).values;
    const { values, origins } = at({ KTRDR_PROFILE: profile });
    const names = Object.keys(origins) as Array<keyof typeof origins>;
    const changed = names.filter((name) => origins[name].from === 'profile');
    expect(changed.length).toBeGreaterThan(2);
    expect(changed).not.toContain('profile');
    // `slots: auto` is the default too; it stands there for people to see.
    const same = changed.filter((name) => values[name] === plain[name]);
    expect(same.filter((name) => name !== 'slots' && name !== 'api_url')).toEqual([]);
  });

  test('one that does not exist is refused with those that do', () => {
    expect(() => at({ KTRDR_PROFILE: 'proxmx' })).toThrow(/KTRDR_PROFILE.*dev.*prod.*proxmox/s);
  });
});

test('every key of an older settings file is answered, all at once', () => {
  const text = `backend_url: http://192.168.1.100:8000
worker_endpoint_mode: ip
health_check_interval: 10
network: { subnet: 192.168.1.0/24, backend_ip: 192.168.1.100, worker_ip_range: 192.168.1.201-250 }
worker_prot: 5003
`;
  const load = (): unknown => loadSettings({ ...user, readFile: () => text });
  expect(load).toThrow(
    'there is no settings "backend_url", "worker_endpoint_mode", "health_check_interval", "network", "worker_prot"',
  );
  const fault = faultOf(load);
  for (const answer of [
    'backend_url: write api_url',
    'network: leave it out',
    'did you mean "worker_port"?',
  ]) {
    expect(fault.hint).toContain(answer);
  }
});

test('an address with the path of the API is the address without it', () => {
  const url = (text: string): string =>
    loadSettings({ ...user, environment: { ...user.environment, KTRDR_API_URL: text } }).values.api_url;
  for (const text of ['http://backend:8000/api/v1', 'http://backend:8000/api/v1/', 'http://backend:8000/']) {
    expect(url(text)).toBe('http://backend:8000');
  }
  expect(url('http://nas/ktrdr')).toBe('http://nas/ktrdr');
  expect(() => url('ftp://nas')).toThrow('give a URL such as');
});

test('a duration has a unit, so that seconds are not taken for milliseconds', () => {
  const heartbeat = (text: string) =>
    loadSettings({ ...user, readFile: () => `heartbeat: ${text}\n` }).values.heartbeat;
  expect(heartbeat('10s')).toBe(10_000);
  expect(() => heartbeat('10')).toThrow('write it with a unit, such as 10s');
  expect(() => heartbeat('0')).toThrow('give at least 50ms');
  expect(() => heartbeat('soon')).toThrow('"soon" is not a duration such as');
});

test('a password is no argument of a command, where everybody could read it', () => {
  const load = (url: string): unknown => loadSettings({ ...user, flags: { database_url: url } });
  const fault = faultOf(() => load('postgres://ann:hunter2@db/ktrdr'));
  expect(fault.message).toBe('Cannot take database_url from a flag: everybody could read its password');
  expect(`${fault.message} ${fault.hint}`).not.toContain('hunter2');
  expect(() => load('postgres://ann@db/ktrdr')).not.toThrow();
});

test('slots are a number, a share or auto, and nothing else', () => {
  const slots = (text: string) =>
    loadSettings({ ...user, environment: { ...user.environment, KTRDR_SLOTS: text } }).values.slots;
  expect(['4', ' auto ', '50%', '12.5%', '0'].map(slots)).toEqual([4, 'auto', '50%', '12.5%', 0]);
  for (const wrong of ['-1', '1025', '0%', '101%', 'all', '1.5', '0x4']) {
    expect(() => slots(wrong)).toThrow('a share of the cores such as 50%, or auto');
  }
});

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
