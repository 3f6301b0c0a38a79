import { describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { broken, fine, skipped, warning } from '#agent/contract/doctor';
import { tempDir } from '#test/support/temp-dir';
import { judgeClock } from './checks/clock';
import { parseLimit } from './checks/limits';
import { parseListeners } from './listeners';
import { gravest } from './local-check';
import { parseRunFlags } from './running-settings';
import { readSettings } from './settings-reading';

test('parseListeners() takes listening sockets of both families, and no connections', () => {
  const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F40 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
`;
  const tcp6 = `   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0 100 0 0 10 0`;
  expect(parseListeners(tcp)).toEqual([{ port: 8000, uid: 1000, inode: '4711' }]);
  expect(parseListeners(tcp6)).toEqual([{ port: 22, uid: 0, inode: '99' }]);
  expect(parseListeners('')).toEqual([]);
});

test('parseRunFlags() reads what `run` was started with, from the binary and from source', () => {
  const flags = { role: 'control,worker', worker_port: '5004', insecure: 'true', settings: 'a.yaml' };
  const words = ['--role', 'control,worker', '--worker-port=5004', '--insecure', '--settings', 'a.yaml', ''];
  expect(parseRunFlags(['/opt/ktrdr-agent', 'run', ...words])).toEqual(flags);
  expect(parseRunFlags(['bun', 'agent/main.ts', 'run', ...words])).toEqual(flags);
  expect(parseRunFlags(['/opt/ktrdr-agent', 'run', ''])).toEqual({});
  const url = 'postgres://db/ktrdr?sslmode=require';
  expect(parseRunFlags(['ktrdr-agent', 'run', `--database-url=${url}`])).toEqual({ database_url: url });
});

test('parseLimit() takes the hard limit', () => {
  const text = `Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            1024                 524288               files     `;
  expect(parseLimit(text, 'Max open files')).toBe(524_288);
  expect(parseLimit(text, 'Max processes')).toBe(Infinity);
  expect(parseLimit(text, 'Max anything')).toBe(Infinity);
});

test('gravest() lets the worst finding speak, and keeps what the others found', () => {
  const one = broken('a is broken', { fix: 'mend a', derivation: ['a was looked at'] });
  const two = broken('b is broken', { fix: 'mend b' });
  const odd = warning('c is odd', { fix: 'look at c' });
  expect(gravest([fine('d'), odd, one, two])).toEqual({
    state: 'bad',
    summary: 'a is broken',
    derivation: ['a was looked at', 'c is odd', 'b is broken'],
    fix: 'mend a; mend b',
  });
  expect(gravest([skipped('not here'), fine('d', ['e'])])).toMatchObject({ state: 'ok', summary: 'd' });
  expect(gravest([])).toMatchObject({ state: 'skipped' });
});

describe('judgeClock()', () => {
  const here = { hereSynchronized: false, command: 'timedatectl set-ntp true' };
  const judge = (aheadMs: number, uncertaintyMs: number) => judgeClock({ aheadMs, uncertaintyMs }, here);

  test.each([
    [0, 1, 'ok', 'the same, within 1.0 ms'],
    [-999, 0.5, 'ok', '999.0 ms apart, within 0.5 ms'],
    [1_200, 1, 'warn', "the control plane's clock is 1.2 s ahead of this machine's"],
    [-4_000, 1, 'warn', "the control plane's clock is 4.0 s behind this machine's"],
    [-5_100, 1, 'bad', "the control plane's clock is 5.1 s behind this machine's"],
  ] as const)('%d ms, within %d ms, is %s', (aheadMs, uncertaintyMs, state, summary) => {
    expect(judge(aheadMs, uncertaintyMs)).toMatchObject({ state, summary });
  });

  test('a slow answer proves nothing: half the round trip may be the whole difference', () => {
    expect(judge(1_900, 1_000)).toMatchObject({ state: 'ok' });
    expect(judge(2_100, 1_000)).toMatchObject({ state: 'warn' });
  });

  test('where this machine is synchronised, the other one is wrong', () => {
    const { fix } = judgeClock({ aheadMs: 9_000, uncertaintyMs: 1 }, { ...here, hereSynchronized: true });
    expect(fix).toBe('on the machine of the control plane: timedatectl set-ntp true');
    expect(judge(9_000, 1).fix).toContain('on this machine and on that of the control plane');
  });
});

describe('readSettings()', () => {
  const readAll = async (text: string, environment: Record<string, string> = {}, uid = 1000) => {
    await using folder = await tempDir();
    const path = join(folder.path, 'agent.yaml');
    await writeFile(path, text);
    return readSettings(
      { environment: { KTRDR_DEV_DIR: '/nonexistent', ...environment }, uid },
      { settings: path },
    );
  };
  const HOME = '/home/somebody';

  test('leaves nothing out of settings that are fine', async () => {
    const { settings, faults, homeless } = await readAll('worker_port: 5005', { HOME });
    expect(faults).toEqual([]);
    expect(homeless).toBe(false);
    expect(settings.values.worker_port).toBe(5005);
  });

  test('finds every fault at once, and keeps what can be used', async () => {
    const text = 'worker_port: 5005\nsloots: 3\nlog_level: loud\n';
    const { settings, faults } = await readAll(text, { HOME, KTRDR_LEASE: 'soon', API_PORT: '8001' });
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringContaining('there is no setting "sloots"'),
      expect.stringContaining('as lease (environment KTRDR_LEASE)'),
      expect.stringContaining('as log_level'),
    ] as string[]);
    expect(settings.values).toMatchObject({ worker_port: 5005, api_port: 8001, log_level: 'info' });
  });

  test.each([['a: [1'], ['- 1\n- 2\n']])(
    'a file that is no mapping (%j) is left out as a whole',
    async (text) => {
      const { settings, faults } = await readAll(text, { HOME });
      expect(faults).toHaveLength(1);
      expect(settings.values.api_port).toBe(8000);
    },
  );

  test('without HOME the directories are made up, and that is said', async () => {
    const { settings, faults, homeless } = await readAll('api_port: 8001');
    expect(faults.map(({ message }) => message)).toEqual(['Cannot choose directories: HOME is not set']);
    expect(homeless).toBe(true);
    expect(settings.values.api_port).toBe(8001);
  });
});
