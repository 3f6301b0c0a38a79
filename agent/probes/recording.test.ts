import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces, hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { tempDir } from '#test/support/temp-dir';
import type { HostReader } from './host';
import { emptyHost, recordedHost } from './recorded-host';
import { recordHost } from './recording';
import { probeOnce } from './run';
import { allProbes } from './registry';

const targets = { stateDirectory: '/home/karl/state', cacheDirectory: '/home/karl/cache' };
const base = { targets, clock: systemClock, log: silentLog };
const files: Record<string, string> = {
  '/proc/cpuinfo': 'processor\t: 0\nmodel name\t: A\nSerial\t\t: 10000000abcdef12\n',
  '/proc/meminfo': 'MemTotal: 8 kB\nMemAvailable: 4 kB\n',
  '/proc/self/cgroup': '0::/docker/aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\n',
  '/proc/self/mountinfo': [
    '30 25 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate',
    '31 25 0:31 / /home/karl/private rw - ext4 /dev/sdb1 rw',
    '32 25 0:32 / /mnt/a rw - nfs4 nas.example.com:/home/karl rw,addr=198.51.100.7,user=karl',
    '',
  ].join('\n'),
  '/sys/fs/cgroup/docker/aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd/cpu.max':
    '150000 100000\n',
};
const made: HostReader = {
  ...emptyHost,
  readText: (path) =>
    path === '/sys/devices/system/cpu/online'
      ? Promise.reject(Object.assign(new Error('EACCES: denied'), { code: 'EACCES' }))
      : Promise.resolve(files[path] ?? null),
  statfs: (path) => Promise.resolve({ totalBytes: path.length, availableBytes: 1 }),
};

test('recordHost() keeps the answers, refusals too, and none of what identifies', async () => {
  await using temp = await tempDir();
  const directory = join(temp.path, 'recording');
  const replayed = await recordHost(directory, { ...base, host: made });
  // The probe of the processor failed, and so it does in the recording.
  expect(replayed.cpu).toMatchObject({ state: 'failed', error: expect.stringContaining('EACCES') });
  expect(replayed.disk).toMatchObject({
    value: { stateDirectory: { path: '/var/lib/ktrdr-agent', totalBytes: targets.stateDirectory.length } },
  });
  expect(replayed.memory).toMatchObject({ value: { totalBytes: 8192, availableBytes: 4096 } });
  const everything = readTree(directory);
  expect(everything).toContain('nsdelegate');
  for (const secret of [
    'karl',
    '10000000abcdef12',
    'aaaaaaaabbbb',
    'nas.example.com',
    '198.51.100.7',
    'sdb1',
  ])
    expect(everything).not.toContain(secret);
});

test('recordHost() keeps where libraries are, and a driver that does not answer', async () => {
  await using temp = await tempDir();
  const directory = join(temp.path, 'recording');
  const hanging: HostReader = {
    ...made,
    list: (path) => Promise.resolve(path === '/home/karl/onnx' ? ['libonnxruntime.so.1.30.0'] : null),
    run: ([program = '']) =>
      program === 'ktrdr-agent'
        ? Promise.reject(new Fault('timeout', 'Cannot run ktrdr-agent: no end after 8 s'))
        : Promise.resolve(null),
  };
  const libraries = { gpuLibraryDirectory: '/home/karl/nvidia', onnxruntimeDirectory: '/home/karl/onnx' };
  const replayed = await recordHost(directory, {
    ...base,
    targets: { ...targets, ...libraries },
    host: hanging,
  });
  expect(replayed.software).toMatchObject({
    value: { items: [{ name: 'onnxruntime', path: '/home/user/onnx/libonnxruntime.so.1.30.0' }] },
  });
  expect(JSON.stringify(replayed.nvidia)).toContain('does not answer');
});

test('recordHost() refuses a folder that holds something', async () => {
  await using temp = await tempDir();
  const refused = recordHost(join(import.meta.dir), { ...base, host: made });
  await expect(refused).rejects.toThrow(/Cannot record into .*: it is not empty/);
  expect(readdirSync(temp.path)).toEqual([]);
});

test.skipIf(process.platform !== 'linux')(
  'a recording of this machine says what the machine says',
  async () => {
    await using temp = await tempDir();
    const here = { stateDirectory: temp.path, cacheDirectory: '/' };
    const directory = join(temp.path, 'recording');
    const replayed = await recordHost(directory, { ...base, targets: here });
    const live = await probeOnce({ ...base, probes: allProbes(here), host: await recordedHost(directory) });
    expect(replayed.cpu).toMatchObject({
      state: 'present',
      value: live.cpu.state === 'present' ? live.cpu.value : {},
    });
    const everything = readTree(directory);
    const macs = Object.values(networkInterfaces()).flatMap((infos) => infos?.map((info) => info.mac) ?? []);
    for (const mac of macs.filter((mac) => mac !== '00:00:00:00:00:00'))
      expect(everything).not.toContain(mac);
    if (hostname().length > 3)
      expect(everything).not.toMatch(new RegExp(`\\b${RegExp.escape(hostname())}\\b`));
  },
);

/** Names and contents of all files below. */
function readTree(directory: string): string {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  expect(paths.length).toBeGreaterThan(3);
  return paths.map((path) => `${path.slice(directory.length)}\n${readFileSync(path, 'utf8')}`).join('\n');
}
