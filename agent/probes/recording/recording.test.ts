import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces, hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { tempDir } from '#test/support/temp-dir';
import type { HostReader } from '#agent/probes/host';
import { emptyHost, recordedHost } from './recorded-host';
import { recordHost } from './recording';
import { Redactor } from './redact';
import { probeOnce } from '#agent/probes/run';
import { allProbes } from '#agent/probes/registry';

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

test('Redactor replaces whole words, and the same original by the same stand-in', () => {
  const identity = {
    hostname: 'lena-pc.example.com',
    userName: 'lena',
    homeDirectory: '/srv/people/lena',
    servers: ['tws.example.com'],
    directories: { '/data/k': '/var/lib/ktrdr-agent' },
  };
  const info = { netmask: '', family: 'IPv4' as const, internal: false, cidr: null };
  const addresses = ['198.51.100.7', '192.168.1.5', 'fe80::9cd7:1aff:fe02:3'];
  const interfaces = { eth0: addresses.map((address) => ({ ...info, address, mac: '9e:d7:1a:02:00:03' })) };
  const redactor = new Redactor(identity, interfaces);
  const table: Array<[string, string]> = [
    ['lena-pc and lena-pc.example.com', 'node and node'],
    ['of lena, not of helena or lena-2', 'of user, not of helena or lena-2'],
    ['/srv/people/lena/x /data/k/y', '/home/user/x /var/lib/ktrdr-agent/y'],
    ['at tws.example.com:4002', 'at server-1:4002'],
    ['9e:d7:1a:02:00:03 9E:D7:1A:02:00:03', '02:00:00:00:00:01 02:00:00:00:00:01'],
    ['198.51.100.7 198.51.100.77 192.168.1.5', '203.0.113.1 198.51.100.77 192.168.1.5'],
    ['[fe80::9cd7:1aff:fe02:3]:80', '[fe80::2]:80'],
    ['GPU-2F4A9b0c-1111-2222-3333-444455556666', 'GPU-00000000-0000-0000-0000-000000000001'],
    ['limit 9223372036854771712 mask 00000001ffffffff', 'limit 9223372036854771712 mask 00000001ffffffff'],
    ['  Serial Number (system): C02XK1', '  Serial Number (system): redacted'],
    ['{"serial_number": "C02XK1"}', '{"serial_number": "redacted"}'],
  ];
  for (const [original, redacted] of table) expect(redactor.text(original)).toBe(redacted);
  const environment = 'PATH=/bin\0container=lxc\0API_TOKEN=x\0';
  expect(redactor.file('/proc/1/environ', environment)).toBe('container=lxc\0');
  expect(redactor.file('/sys/block/sda/device/wwid', 'naa.5000c500a1b2c3d4\n')).toBe('serial-1\n');
  expect(redactor.file('/sys/block/sdb/device/wwid', 'naa.5000c500a1b2c3d5\n')).toBe('serial-2\n');
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
