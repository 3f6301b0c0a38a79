import { describe, expect, test } from 'bun:test';
import type { CapabilityName } from '#agent/contract/capability';
import { parseMemberships, readCgroupChain } from './cgroup';
import { holdingMount, parseMounts } from './mounts';
import { cpuProbe, parseCfsQuota, parseCpuinfo, parseCpuList, parseCpuMax } from './cpu';
import { parseLoadavg } from './load';
import { memoryProbe, parseLimit, parseMeminfo } from './memory';
import type { Probe } from './probe';
import { emptyHost } from './recording/recorded-host';

describe('cpu', () => {
  test.each([
    ['0\n', [0]],
    ['0-3', [0, 1, 2, 3]],
    ['0-1,8,10-11\n', [0, 1, 8, 10, 11]],
  ])('parseCpuList(%j)', (text, cpus) => {
    expect([...(parseCpuList(text) ?? [])]).toEqual(cpus);
  });

  test.each(['', '\n', 'a', '1-', '-1', '0-999999999'])('parseCpuList(%j) is null', (text) => {
    expect(parseCpuList(text)).toBeNull();
  });

  test.each([
    ['max 100000\n', null],
    ['150000 100000\n', 1.5],
    ['10000 30000\n', 0.333],
    ['1000 1000000\n', 0.001],
    ['', null],
    ['150000', null],
    ['0 100000', null],
  ])('parseCpuMax(%j) is %p', (text, cores) => {
    expect(parseCpuMax(text)).toBe(cores);
  });

  test.each([
    ['-1\n', '100000\n', null],
    ['50000\n', '100000\n', 0.5],
    ['', '', null],
  ])('parseCfsQuota(%j, %j) is %p', (quota, period, cores) => {
    expect(parseCfsQuota(quota, period)).toBe(cores);
  });

  test('parseCpuinfo() counts processors, also where no model is named', () => {
    expect(parseCpuinfo('processor\t: 0\nmodel name\t: A  B\n\nprocessor\t: 1\n')).toEqual({
      model: 'A  B',
      processors: 2,
    });
    expect(parseCpuinfo('processor\t: 0\nCPU part\t: 0xd0c\n')).toEqual({ model: 'unknown', processors: 1 });
  });
});

describe('memory', () => {
  test.each([
    ['max\n', null],
    ['9223372036854771712\n', null],
    ['4294967296\n', 4294967296],
    ['0\n', 0],
    ['-1', null],
    ['', null],
    [null, null],
  ])('parseLimit(%j) is %p', (text, limit) => {
    expect(parseLimit(text)).toBe(limit);
  });

  test('parseMeminfo() falls back to MemFree and needs MemTotal', () => {
    expect(parseMeminfo('MemTotal: 4 kB\nMemFree: 2 kB\n')).toEqual({
      totalBytes: 4096,
      availableBytes: 2048,
    });
    expect(parseMeminfo('MemFree: 2 kB\n')).toBeNull();
  });

  test.each([
    ['0.42 0.31 0.27 2/811 40212\n', 0.42],
    ['', null],
    ['nonsense', null],
  ])('parseLoadavg(%j) is %p', (text, load) => {
    expect(parseLoadavg(text)).toBe(load);
  });
});

describe('control groups', () => {
  const memoryOfVersion1 = {
    '/proc/self/cgroup': '4:memory:/\n1:cpu:/\n0::/\n',
    '/proc/self/mountinfo': '35 25 0:30 / /cg rw - cgroup cgroup rw,memory\n',
    '/proc/cpuinfo': 'processor\t: 0\n',
    '/proc/meminfo': 'MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n',
    '/cg/memory.limit_in_bytes': '9223372036854771712\n',
    '/cg/memory.usage_in_bytes': '1048576\n',
  };

  test('version 1 shows a limit of memory that is set above the namespace', async () => {
    const stat = 'hierarchical_memory_limit 536870912\ntotal_inactive_file 524288\n';
    const { value, derivation } = await present(memoryProbe, {
      ...memoryOfVersion1,
      '/cg/memory.stat': stat,
    });
    expect(value).toMatchObject({
      limitBytes: 2 ** 29,
      usableBytes: 2 ** 29,
      availableBytes: 2 ** 29 - 2 ** 19,
    });
    expect(derivation.join()).toContain('limit 0.5 GiB (hierarchical_memory_limit 536870912 at /)');
  });

  test('version 1 without any limit has none, whatever its statistics call huge', async () => {
    const stat = 'hierarchical_memory_limit 9223372036854771712\n';
    const { value } = await present(memoryProbe, { ...memoryOfVersion1, '/cg/memory.stat': stat });
    expect(value).toMatchObject({ limitBytes: null, usableBytes: 2 ** 33 });
  });

  test('a controller that is in use and not mounted is not taken for one without limits', async () => {
    const { value, derivation } = await present(cpuProbe, memoryOfVersion1);
    expect(value).toMatchObject({ quotaCores: null });
    expect(derivation.join()).toContain('quota not known (version 1 of the cpu control groups is in use');
  });

  test('parseMounts() skips optional fields, unescapes, and passes over broken lines', () => {
    const text = [
      '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue',
      'broken',
      '40 1 0:1 / /x rw - tmpfs',
    ].join('\n');
    expect(parseMounts(text)).toEqual([
      {
        root: '/mnt1',
        mountPoint: '/mnt 2',
        options: ['rw', 'noatime'],
        type: 'ext3',
        source: '/dev/root',
        superOptions: ['rw', 'errors=continue'],
      },
      { root: '/', mountPoint: '/x', options: ['rw'], type: 'tmpfs', source: '', superOptions: [] },
    ]);
  });

  test('parseMemberships() keeps colons of the path and drops what is no path', () => {
    expect(parseMemberships('5:cpu,cpuacct:/a:b\n0::/\nx:y\n')).toEqual([
      { hierarchy: 5, controllers: ['cpu', 'cpuacct'], path: '/a:b' },
      { hierarchy: 0, controllers: [''], path: '/' },
    ]);
  });

  test.each([
    ['/a/b', '/', ['/a/b', '/a', '/']],
    ['/a/b', '/a', ['/a/b', '/a']],
    ['/ab', '/a', ['/a']],
    ['/../..', '/', ['/']],
    ['/', '/', ['/']],
  ])('readCgroupChain() of %p under a mount of %p is %p', async (path, root, names) => {
    const chain = await readCgroupChain(hostWith(`0::${path}\n`, root), 'cpu');
    expect(chain?.groups.map((group) => group.name)).toEqual(names);
    expect(chain?.groups.at(-1)?.directory).toBe('/cg');
  });

  test('readCgroupChain() is null where nothing is mounted', async () => {
    expect(await readCgroupChain(hostWith(null, '/'), 'cpu')).toBeNull();
  });
});

async function present<Name extends CapabilityName>(probe: Probe<Name>, files: Record<string, string>) {
  const readText = (path: string) => Promise.resolve(files[path] ?? null);
  const finding = await probe.probe({ ...emptyHost, readText });
  if (finding.state !== 'present') throw new Error(finding.reason);
  return finding;
}

function hostWith(cgroup: string | null, root: string) {
  const files: Record<string, string | null> = {
    '/proc/self/cgroup': cgroup,
    '/proc/self/mountinfo': `35 25 0:30 ${root} /cg rw - cgroup2 cgroup2 rw\n`,
  };
  return { ...emptyHost, readText: (path: string) => Promise.resolve(files[path] ?? null) };
}

test('holdingMount() finds the mount that holds a path, and its own options', () => {
  const mounts = parseMounts(`22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /var rw,nosuid,noexec shared:2 master:1 - tmpfs tmpfs rw,size=8192k
31 22 0:26 / /variety rw - xfs /dev/sdb rw
40 30 0:27 / /var rw - btrfs /dev/sdc rw
41 30 0:28 / /var/cache rw,noexec - tmpfs tmpfs rw
`);
  expect(holdingMount('/var/lib/ktrdr', mounts)).toMatchObject({ mountPoint: '/var', type: 'btrfs' });
  expect(holdingMount('/var/cache', mounts)).toMatchObject({
    mountPoint: '/var/cache',
    type: 'tmpfs',
    options: ['rw', 'noexec'],
  });
  expect(holdingMount('/home', mounts)?.mountPoint).toBe('/');
  expect(holdingMount('/home', [])).toBeUndefined();
});
