import { describe, expect, test } from 'bun:test';
import { silentLog, type Log } from '#agent/kit/log';
import { freePort } from '#test/support/free-port';
import { endpointUrl, localAddressTowards, type EndpointOptions } from './endpoint-address';

function optionsWith(changes: Partial<EndpointOptions>): EndpointOptions {
  return {
    endpointUrl: undefined,
    apiUrl: 'http://127.0.0.1:8000',
    workerHost: '0.0.0.0',
    workerPort: 5003,
    hostname: 'lxc-101',
    log: silentLog,
    ...changes,
  };
}

describe('endpointUrl()', () => {
  test('takes the explicit setting before everything', async () => {
    const explicit = 'http://agent.example:9000';
    expect(await endpointUrl(optionsWith({ endpointUrl: explicit, workerHost: '10.0.0.7' }))).toBe(explicit);
  });

  test('announces the one address that it listens on', async () => {
    expect(await endpointUrl(optionsWith({ workerHost: '127.0.0.1' }))).toBe('http://127.0.0.1:5003');
    expect(await endpointUrl(optionsWith({ workerHost: '::1' }))).toBe('http://[::1]:5003');
  });

  test('takes the local address of a connection to the control plane', async () => {
    using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
    const apiUrl = `http://127.0.0.1:${server.port}`;
    expect(await localAddressTowards(apiUrl)).toBe('127.0.0.1');
    expect(await endpointUrl(optionsWith({ apiUrl }))).toBe('http://127.0.0.1:5003');
  });

  test('falls back to the host name, with a warning', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
    const apiUrl = `http://127.0.0.1:${await freePort()}`;
    expect(await endpointUrl(optionsWith({ apiUrl, log }))).toBe('http://lxc-101:5003');
    expect(warnings).toHaveLength(1);
  });
});
