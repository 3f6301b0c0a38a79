import { expect, test } from 'bun:test';
import { createLog, silentLog } from '#agent/kit/log';
import { faultOf } from '#test/support/thrown-fault';
import { parseSeed, resolveSeeds } from './seeds';

test.each([
  ['192.168.1.100', '192.168.1.100', 7946],
  ['192.168.1.100:8946', '192.168.1.100', 8946],
  ['control.lan', 'control.lan', 7946],
  ['control.lan:1', 'control.lan', 1],
  ['::1', '::1', 7946],
  ['[::1]', '::1', 7946],
  ['[fd18:1::2]:65535', 'fd18:1::2', 65_535],
])('%s is host %s and port %d', (text, host, port) => {
  expect(parseSeed(text)).toEqual({ host, port });
});

test.each(['', ':7946', 'host:', 'host:0', 'host:65536', 'host:x', 'a:b:c', 'http://host:1'])(
  '%j is refused with an example',
  (text) => {
    const fault = faultOf(() => parseSeed(text));
    expect(fault.code).toBe('settings');
    expect(fault.hint).toContain('192.168.1.100');
  },
);

test('names become addresses, and one that has none is left out and told', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ level: 'warn', format: 'logfmt', write, nowMs: () => 0 });
  const seeds = [
    { host: 'localhost', port: 1 },
    { host: 'no-such-host.invalid', port: 2 },
    { host: '10.0.0.1', port: 3 },
  ];
  const resolved = await resolveSeeds(seeds, log);
  expect(resolved).toContainEqual({ host: '127.0.0.1', port: 1 });
  expect(resolved).toContainEqual({ host: '10.0.0.1', port: 3 });
  expect(resolved.some(({ port }) => port === 2)).toBe(false);
  expect(lines.join()).toContain('host=no-such-host.invalid');
  expect(await resolveSeeds([], silentLog)).toEqual([]);
}, 20_000);
