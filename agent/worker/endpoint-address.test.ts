import { describe, expect, test } from 'bun:test';
import type { NetworkInterface } from '#agent/contract/host-capabilities';
import { freePort } from '#test/support/free-port';
import {
  findEndpoint,
  localAddressTowards,
  routedEndpoint,
  settledEndpoint,
  type EndpointOptions,
} from './endpoint-address';

const API = 'http://10.0.0.1:8000';

function interfaceWith(
  name: string,
  addresses: readonly string[],
  ignored: string | null = null,
): NetworkInterface {
  return {
    name,
    mac: null,
    addresses: addresses.map((address) => ({
      address,
      family: address.includes(':') ? (6 as const) : (4 as const),
      prefixLength: 24,
    })),
    ignored,
  };
}

const ETH0 = interfaceWith('eth0', ['10.0.0.7', '2001:db8::7', 'fe80::7']);
const ETH1 = interfaceWith('eth1', ['192.168.1.201']);
const DOCKER0 = interfaceWith('docker0', ['172.17.0.1'], 'bridge of Docker');

function optionsWith(changes: Partial<EndpointOptions> = {}): EndpointOptions {
  return {
    explicit: undefined,
    apiUrl: API,
    workerHost: '0.0.0.0',
    workerPort: 5003,
    hostname: 'lxc-101',
    interfaces: [DOCKER0, ETH0, ETH1],
    ...changes,
  };
}

describe('findEndpoint()', () => {
  test('takes the explicit setting before everything, and asks nobody', async () => {
    const explicit = { url: 'http://192.168.1.201:9000', setting: 'worker_endpoint_url (environment)' };
    const changes = { explicit, workerHost: '10.0.0.7', apiUrl: 'http://no-such-host.invalid' };
    expect(await findEndpoint(optionsWith(changes))).toEqual({
      url: 'http://192.168.1.201:9000',
      rule: 'setting',
      derivation: ['as worker_endpoint_url (environment) says'],
    });
  });

  test('takes the local address of a connection to the control plane', async () => {
    using server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
    const apiUrl = `http://127.0.0.1:${server.port}`;
    expect(await localAddressTowards(apiUrl)).toBe('127.0.0.1');
    expect(await findEndpoint(optionsWith({ apiUrl }))).toEqual({
      url: 'http://127.0.0.1:5003',
      rule: 'route',
      derivation: [`127.0.0.1 is our end of a connection to ${apiUrl}: other machines cannot reach it`],
    });
  });

  test('takes an IPv6 address of that connection too', async () => {
    using server = Bun.serve({ port: 0, hostname: '::1', fetch: () => new Response() });
    const apiUrl = `http://[::1]:${server.port}`;
    const { url } = await findEndpoint(optionsWith({ apiUrl, workerHost: '::' }));
    expect(url).toBe('http://[::1]:5003');
  });

  test.each(['refused', 'http://no-such-host.invalid:8000'])(
    'falls back to the host name where the control plane is %s',
    async (api) => {
      const apiUrl = api === 'refused' ? `http://127.0.0.1:${await freePort()}` : api;
      const { url, rule, derivation } = await findEndpoint(optionsWith({ apiUrl }));
      expect({ url, rule }).toEqual({ url: 'http://lxc-101:5003', rule: 'host name' });
      expect(derivation[0]).toBe(`no connection to ${apiUrl} came about`);
      expect(derivation[1]).toContain('set worker_endpoint_url (WORKER_ENDPOINT_URL)');
    },
  );
});

describe('settledEndpoint()', () => {
  test.each([
    ['127.0.0.1', 'http://127.0.0.1:5003', true],
    ['10.0.0.7', 'http://10.0.0.7:5003', false],
    ['::1', 'http://[::1]:5003', true],
    ['[::1]', 'http://[::1]:5003', true],
    ['2001:db8::7', 'http://[2001:db8::7]:5003', false],
    ['fd00::2', 'http://[fd00::2]:5003', false],
    ['worker-1', 'http://worker-1:5003', false],
  ])('announces %s, the one address it listens on', (workerHost, url, alone) => {
    const endpoint = settledEndpoint(optionsWith({ workerHost }));
    expect(endpoint).toMatchObject({ url, rule: 'bind address' });
    expect(endpoint?.derivation[0]?.includes('other machines cannot reach it')).toBe(alone);
  });

  test.each(['0.0.0.0', '::', '[::]', '*'])('has no answer when it listens on %s', (workerHost) => {
    expect(settledEndpoint(optionsWith({ workerHost }))).toBeNull();
  });

  test('has only the host name for an agent that listens on a link-local address', () => {
    const endpoint = settledEndpoint(optionsWith({ workerHost: 'fe80::7%eth0' }));
    expect(endpoint).toMatchObject({ url: 'http://lxc-101:5003', rule: 'host name' });
    expect(endpoint?.derivation[0]).toContain('fe80::7%eth0, the one address it listens on');
  });

  test.each([
    ['http://workers-b.home.example:5003', 'http://workers-b.home.example:5003', 0],
    ['http://workers-b.home.example:5003/', 'http://workers-b.home.example:5003', 0],
    ['https://agents.example/lxc-101/', 'https://agents.example/lxc-101', 1],
    ['http://workers-b', 'http://workers-b', 1],
  ])('takes the public base URL %s as %s', (given, url, remarks) => {
    const explicit = { url: given, setting: 'worker_public_base_url' };
    const endpoint = settledEndpoint(optionsWith({ explicit }));
    expect(endpoint?.url).toBe(url);
    // Without a port others ask at the protocol's own, where the agent does not listen itself.
    expect(endpoint?.derivation).toHaveLength(1 + remarks);
  });
});

describe('routedEndpoint()', () => {
  test.each([
    ['10.0.0.7', '0.0.0.0', 'http://10.0.0.7:5003'],
    ['192.168.1.201', '0.0.0.0', 'http://192.168.1.201:5003'],
    ['2001:db8::7', '::', 'http://[2001:db8::7]:5003'],
    // Not listed: the interface came up after the last look.
    ['10.9.9.9', '0.0.0.0', 'http://10.9.9.9:5003'],
  ])('announces %s of a connection when it listens on %s', (local, workerHost, url) => {
    const endpoint = routedEndpoint(optionsWith({ workerHost }), local);
    expect(endpoint).toMatchObject({ url, rule: 'route' });
    expect(endpoint.derivation).toEqual([`${local} is our end of a connection to ${API}`]);
  });

  test.each([
    ['172.17.0.1', '0.0.0.0', 'http://10.0.0.7:5003', 'docker0 is ignored: bridge of Docker'],
    ['fe80::7', '::', 'http://10.0.0.7:5003', 'link-local'],
    ['2001:db8::7', '0.0.0.0', 'http://10.0.0.7:5003', 'listens on IPv4 only'],
  ])('announces another address than %s when it listens on %s', (local, workerHost, url, why) => {
    const endpoint = routedEndpoint(optionsWith({ workerHost }), local);
    expect(endpoint).toMatchObject({ url, rule: 'route' });
    expect(endpoint.derivation[0]).toContain(why);
    expect(endpoint.derivation[1]).toBe('10.0.0.7 of eth0 takes its place');
  });

  test('falls back to the host name when every address is of no use to others', () => {
    const interfaces = [DOCKER0, interfaceWith('eth0', ['fe80::7'], 'only link-local addresses')];
    for (const local of ['172.17.0.1', 'fe80::7']) {
      const endpoint = routedEndpoint(optionsWith({ interfaces, workerHost: '::' }), local);
      expect(endpoint).toMatchObject({ url: 'http://lxc-101:5003', rule: 'host name' });
    }
  });
});
