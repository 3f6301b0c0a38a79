import { expect, test } from 'bun:test';
import { advertisedHost, type AdvertiseOptions } from './advertise';

type Interface = AdvertiseOptions['interfaces'][number];

function cable(name: string, addresses: string[], ignored: string | null = null): Interface {
  return {
    name,
    ignored,
    addresses: addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  } as unknown as Interface;
}

const options: AdvertiseOptions = {
  explicit: undefined,
  bindHost: '0.0.0.0',
  apiUrl: undefined,
  seeds: [],
  interfaces: [
    cable('docker0', ['172.17.0.1'], 'docker'),
    cable('eth0', ['169.254.1.1', 'fd18::2', '192.168.1.201']),
  ],
};

test.each<[string, Partial<AdvertiseOptions>, string]>([
  ['the setting goes first', { explicit: '[fd18::9]', bindHost: '10.0.0.1' }, 'fd18::9'],
  ['then the one address it listens on', { bindHost: '10.0.0.1' }, '10.0.0.1'],
  ['then the first address of no container or link', {}, '192.168.1.201'],
  ['IPv6 only where it is heard', { bindHost: '::' }, 'fd18::2'],
  [
    'a way over loopback says nothing to others',
    { seeds: [{ host: '127.0.0.1', port: 9 }] },
    '192.168.1.201',
  ],
  ['loopback on a machine without a network', { interfaces: [] }, '127.0.0.1'],
])('%s', async (_, given, host) => {
  expect(await advertisedHost({ ...options, ...given })).toBe(host);
});
