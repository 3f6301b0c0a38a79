import { describe, expect, test } from 'bun:test';
import { networkInterfaces } from 'node:os';
import type { Fault } from './error';
import { listenFault } from './listen-fault';

const settings = { hostSetting: 'worker_host (WORKER_IP)', portSetting: 'worker_port (WORKER_PORT)' };

function failure(host: string, port: number): Fault {
  try {
    using _server = Bun.serve({ hostname: host, port, fetch: () => new Response() });
  } catch (cause) {
    return listenFault({ host, port, ...settings }, cause);
  }
  throw new Error(`listens on ${host}:${port}`);
}

describe('listenFault()', () => {
  test('says that a port is taken', () => {
    using server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const fault = failure('127.0.0.1', server.port ?? 0);
    expect(fault).toMatchObject({ code: 'in_use', exitCode: 1 });
    expect(fault.message).toBe(`Cannot listen on 127.0.0.1:${server.port}: the port is taken`);
    expect(fault.hint).toContain('worker_port (WORKER_PORT)');
  });

  // TEST-NET-3 and the documentation prefix (RFC 5737, RFC 3849) are nobody's.
  test.each([
    ['203.0.113.77', '203.0.113.77:5003'],
    ['2001:db8:77::1', '[2001:db8:77::1]:5003'],
  ])('names the addresses of this machine when %s is not among them', (host, where) => {
    const fault = failure(host, 5003);
    expect(fault).toMatchObject({ code: 'settings', exitCode: 2 });
    expect(fault.message).toBe(`Cannot listen on ${where}: this machine does not have that address`);
    expect(fault.hint).toContain('set worker_host (WORKER_IP) to one of');
    for (const { address } of Object.values(networkInterfaces()).flatMap((found) => found ?? [])) {
      expect(fault.hint?.includes(address)).toBe(!address.startsWith('fe80'));
    }
  });

  test('keeps the code of what it does not know', () => {
    const cause = Object.assign(new Error('x'), { code: 'EINVAL' });
    expect(listenFault({ host: 'nowhere', port: 1, ...settings }, cause).message).toContain(
      'nowhere:1: EINVAL',
    );
  });
});
