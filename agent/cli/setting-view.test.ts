import { describe, expect, test } from 'bun:test';
import { loadSettings } from '#agent/daemon/settings';
import { capturedShell } from '#test/support/captured-shell';
import { createProgram } from './run-cli';
import { explainSetting, findSetting, SETTING_NAMES, settingRow } from './setting-view';

const load = (environment: Record<string, string> = {}, file = '', flags = {}) =>
  loadSettings({
    uid: 1000,
    environment: { HOME: '/home/ann', ...environment },
    flags,
    readFile: () => file,
  });

describe('explainSetting()', () => {
  test('shows the value, and every source that was looked at and lost', () => {
    const settings = load({ KTRDR_SLOTS: '4', KTRDR_PROFILE: 'dev' }, 'slots: 8\n', { slots: '2' });
    expect(explainSetting(settings, 'slots')).toMatchObject({
      value: 2,
      text: '2',
      origin: 'flag --slots',
      default: 'auto',
      flag: '--slots',
      example: 'slots: 4',
      environment: ['KTRDR_SLOTS'],
      sources: [
        { origin: 'flag --slots', value: '2', counts: true },
        { origin: 'environment KTRDR_SLOTS', value: '4', counts: false },
        { origin: 'file /etc/ktrdr/agent.yaml', value: '8', counts: false },
        { origin: 'profile dev', value: '50%', counts: false },
      ],
    });
    expect(explainSetting(load(), 'slots')).toMatchObject({ text: 'auto', origin: 'default', sources: [] });
  });

  test('writes durations and amounts with their unit', () => {
    const settings = load({ KTRDR_LEASE: '1m' });
    expect(explainSetting(settings, 'lease')).toMatchObject({ text: '60s', default: '30s', value: 60_000 });
    expect(explainSetting(settings, 'memory_per_slot')).toMatchObject({
      text: '512MiB',
      example: 'memory_per_slot: 1GiB',
    });
  });

  test('never shows a secret, wherever it stands', () => {
    const settings = load({
      DATABASE_URL: 'postgres://ann:hunter2@db/ktrdr',
      KTRDR_API_URL: 'http://ann:hunter2@nas:8000',
    });
    const all = SETTING_NAMES.map((name) => [settingRow(settings, name), explainSetting(settings, name)]);
    expect(JSON.stringify(all)).not.toContain('hunter2');
    expect(explainSetting(settings, 'database_url')).toMatchObject({ text: '(hidden)', secret: true });
    expect(explainSetting(settings, 'api_url').text).toBe('http://ann:(hidden)@nas:8000');
    const wrong = (): unknown => load({ DATABASE_URL: 'mysql://ann:hunter2@db' });
    expect(wrong).toThrow('Cannot use its value as database_url (environment DATABASE_URL)');
    expect(wrong).not.toThrow('hunter2');
  });

  test.each(SETTING_NAMES)('%s has an example that the table accepts', (name) => {
    const { example, description } = explainSetting(load(), name);
    expect(description.length).toBeGreaterThan(10);
    if (!example.endsWith('…')) expect(() => load({}, `${example}\n`)).not.toThrow();
  });
});

describe('findSetting()', () => {
  test('knows names, flags and environment names', () => {
    for (const text of ['worker_port', '--worker-port', 'worker-port', 'WORKER_PORT']) {
      expect(findSetting(text)).toBe('worker_port');
    }
    expect(findSetting('DB_PASSWORD')).toBe('database_url');
    expect(findSetting('REDIS_URL')).toMatchObject({ answer: expect.stringContaining('PostgreSQL') });
    expect(findSetting('KTRDR_DEV_DIR')).toMatchObject({ answer: expect.stringContaining('dev') });
  });

  test('suggests the nearest name', () => {
    const hintOf = (text: string): unknown => {
      try {
        return findSetting(text);
      } catch (error) {
        return error;
      }
    };
    expect(hintOf('worker_prot')).toMatchObject({ hint: 'did you mean worker_port?' });
    expect(hintOf('KTRDR_API_ULR')).toMatchObject({ hint: 'did you mean KTRDR_API_URL?' });
    expect(hintOf('zzzzzzzzzzzz')).toMatchObject({ hint: expect.stringContaining('lists every setting') });
  });
});

describe('config', () => {
  const run = async (args: string[], environment: Record<string, string> = {}) => {
    const shell = capturedShell({
      environment: { HOME: '/home/ann', KTRDR_DEV_DIR: '/none', ...environment },
    });
    await createProgram(shell).parseAsync(['config', ...args], { from: 'user' });
    return shell;
  };

  test('says where each value is from, and what is not read', async () => {
    const shown = await run([], { KTRDR_SLOTS: '3', USE_IB_HOST_SERVICE: 'true', KTRDR_API_ULR: 'x' });
    expect(shown.out).toMatch(/slots +3 +environment KTRDR_SLOTS/);
    expect(shown.err).toContain('warning: USE_IB_HOST_SERVICE is not read: in this version no bars');
    expect(shown.err).toContain('did you mean KTRDR_API_URL?');
  });

  test('shows what a profile changes', async () => {
    const { out } = await run(['--profile', 'prod', '--changed', '--json']);
    const document: unknown = JSON.parse(out);
    expect(document).toMatchObject({
      profile: 'prod',
      settings: expect.arrayContaining([
        expect.objectContaining({ name: 'log_format', value: 'json', origin: 'profile prod' }),
        expect.objectContaining({ name: 'profile', value: 'prod', origin: 'flag --profile' }),
      ]),
    });
    expect(out).not.toContain('api_port');
  });

  test('explains one', async () => {
    const { out } = await run(['--explain', 'memory_per_slot'], { KTRDR_MEMORY_PER_SLOT: '2G' });
    expect(out).toContain('2GiB, from environment KTRDR_MEMORY_PER_SLOT');
    expect(out).toMatch(/file +memory_per_slot: 1GiB/);
    expect((await run(['memory_per_slot'])).out).toContain('512MiB, from default');
    expect((await run(['--explain', 'GF_ADMIN_PASSWORD'])).out).toContain('it belongs to Grafana');
  });
});
