import { describe, expect, test } from 'bun:test';
import { parseMemberships, parseMounts, readCgroupChain } from './cgroup';
import { parseCfsQuota, parseCpuinfo, parseCpuList, parseCpuMax } from './cpu';
import { parseLoadavg } from './load';
import { parseLimit, parseMeminfo } from './memory';
import { emptyHost } from './recorded-host';

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
        type: 'ext3',
        source: '/dev/root',
        superOptions: ['rw', 'errors=continue'],
      },
      { root: '/', mountPoint: '/x', type: 'tmpfs', source: '', superOptions: [] },
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

function hostWith(cgroup: string | null, root: string) {
  const files: Record<string, string | null> = {
    '/proc/self/cgroup': cgroup,
    '/proc/self/mountinfo': `35 25 0:30 ${root} /cg rw - cgroup2 cgroup2 rw\n`,
  };
  return { ...emptyHost, readText: (path: string) => Promise.resolve(files[path] ?? null) };
}
