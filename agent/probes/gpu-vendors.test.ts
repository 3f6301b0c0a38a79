import { expect, test } from 'bun:test';
import { amdProbe, gfxName } from './amd';
import { appleProbe } from './apple';
import { findLibrary, libraryDirectories } from './gpu/libraries';
import { parseDriverVersion } from './gpu/nvidia-signs';
import { normalPciAddress } from './gpu/nvml';
import { emptyHost } from './recording/recorded-host';

test.each([
  [90_010, 'gfx90a'],
  [90_402, 'gfx942'],
  [110_000, 'gfx1100'],
  [80_003, 'gfx803'],
])('gfxName(%d) is %s', (version, name) => {
  expect(gfxName(version)).toBe(name);
});

test.each([
  ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  520.61.05  Thu Sep 29 05:30:25 UTC 2022\n', '520.61.05'],
  [
    'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.142  Release Build  (builder@host)  Tue\nGCC version:  gcc version 13.3.0\n',
    '580.142',
  ],
  ['NVRM version: NVIDIA UNIX Kernel Module for aarch64  34.1.1  Release Build\n', '34.1.1'],
  ['GCC version:  gcc version 13.3.0\n', null],
  ['', null],
])('parseDriverVersion() of %j is %p', (text, version) => {
  expect(parseDriverVersion(text)).toBe(version);
});

test.each([
  ['00000000:3B:00.0', '0000:3b:00.0'],
  ['0000:3B:00.0', '0000:3b:00.0'],
  ['00010000:01:00.0', '10000:01:00.0'],
  ['', null],
  ['GPU 0', null],
])('normalPciAddress(%j) is %p', (address, normal) => {
  expect(normalPciAddress(address)).toBe(normal);
});

test('libraries are looked for by absolute path, for the processor at hand, and missing ones are no error', () => {
  for (const arch of ['x64', 'arm64'])
    for (const directory of libraryDirectories(arch)) expect(directory).toStartWith('/');
  expect(libraryDirectories('arm64').join()).toContain('aarch64-linux-gnu');
  expect(libraryDirectories('x64').join()).not.toContain('aarch64');
  expect(findLibrary('libnvidia-ml.so.1', ['/nonexistent', '/dev/null'])).toBeUndefined();
});

test('amdProbe has no figures where the driver gives none, and leaves the cards of others out', async () => {
  const device = '/sys/class/drm/card0/device';
  const files: Record<string, string> = {
    [`${device}/vendor`]: '0x1002\n',
    [`${device}/device`]: '0x15d8\n',
    '/sys/class/drm/card1/device/vendor': '0x8086\n',
  };
  const finding = await amdProbe.probe({
    ...emptyHost,
    list: (path) => Promise.resolve(path === '/sys/class/drm' ? ['card0', 'card0-DP-1', 'card1'] : null),
    readText: (path) => Promise.resolve(files[path] ?? null),
  });
  expect(finding).toMatchObject({
    state: 'present',
    value: {
      driver: null,
      devices: [{ index: 0, model: 'AMD device 0x15d8', memoryTotalBytes: null, utilisationPercent: null }],
    },
  });
});

test.each([
  ['an Intel Mac', { sppci_model: 'Intel Iris Plus Graphics 645', _name: 'kHW_IntelIris' }],
  ['a virtual Mac', undefined],
])('appleProbe is absent on %s', async (_, display) => {
  const stdout = JSON.stringify({ SPDisplaysDataType: display === undefined ? [] : [display] });
  const host = {
    ...emptyHost,
    platform: 'darwin',
    run: () => Promise.resolve({ code: 0, stdout, stderr: '' }),
  };
  expect(await appleProbe.probe(host)).toMatchObject({ state: 'absent' });
});

test('appleProbe fails on an answer of another form, and starts nothing elsewhere', async () => {
  const run = () => Promise.resolve({ code: 0, stdout: '{"SPDisplaysDataType": 1}', stderr: '' });
  const mac = { ...emptyHost, platform: 'darwin', run };
  expect(appleProbe.probe(mac)).rejects.toThrow('system_profiler answers in another form');
  const linux = { ...emptyHost, run: () => Promise.reject(new Error('nothing is to be started')) };
  expect(await appleProbe.probe(linux)).toMatchObject({ state: 'absent', reason: 'not a Mac' });
});
