import { describe, expect, test } from 'bun:test';
import { silentLog, type Log } from '#agent/kit/log';
import { ManualClock } from '#test/support/manual-clock';
import type { Endpoint } from './endpoint-address';
import { ADDRESS_CHECK_MS, EndpointWatch, ROUTE_CHECK_MS } from './endpoint-watch';

const route = (address: string): Endpoint => ({
  url: `http://${address}:5003`,
  rule: 'route',
  derivation: [`${address} is our end`],
});
const hostName: Endpoint = { url: 'http://lxc-101:5003', rule: 'host name', derivation: ['no connection'] };

interface World extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly watch: EndpointWatch;
  /** What a look finds, how many there were, and the addresses of the machine. */
  found: Endpoint;
  looks: number;
  addresses: string[];
  readonly told: string[];
}

async function watching(first: Endpoint): Promise<World> {
  const clock = new ManualClock();
  const told: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (message, fields) => void told.push(`info ${message}: ${String(fields?.['url'])}`),
    warn: (message, fields) => void told.push(`warn ${message}: ${String(fields?.['url'])}`),
  };
  const world = { found: first, looks: 0, addresses: ['10.0.0.7'] };
  const watch = await EndpointWatch.start({
    find: () => {
      world.looks += 1;
      return Promise.resolve(world.found);
    },
    hasAddress: (address) => world.addresses.includes(address),
    clock,
    log,
  });
  return Object.assign(world, {
    clock,
    watch,
    told,
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  });
}

describe('EndpointWatch', () => {
  test('looks no second time at what is set, or where there is one address only', async () => {
    for (const rule of ['setting', 'bind address'] as const) {
      await using world = await watching({ ...route('10.0.0.9'), rule });
      await world.watch.refresh();
      await world.clock.advance(10 * ROUTE_CHECK_MS);
      expect(world.looks).toBe(1);
    }
  });

  test('leaves an address alone that the machine still has, but for a look at the route now and then', async () => {
    await using world = await watching(route('10.0.0.7'));
    await world.clock.advance(ROUTE_CHECK_MS - ADDRESS_CHECK_MS);
    expect(world.looks).toBe(1);
    await world.watch.refresh();
    expect(world.looks).toBe(1);
    world.found = route('192.168.1.201');
    await world.clock.advance(ADDRESS_CHECK_MS);
    expect(world.watch.url).toBe('http://192.168.1.201:5003');
  });

  test('follows an address that moves, and says so once', async () => {
    await using world = await watching(route('10.0.0.7'));
    world.addresses = ['10.0.0.8'];
    world.found = route('10.0.0.8');
    await world.clock.advance(ADDRESS_CHECK_MS);
    expect(world.watch.url).toBe('http://10.0.0.8:5003');
    await world.clock.advance(ADDRESS_CHECK_MS);
    expect(world.told).toEqual([
      'info others are told this address: http://10.0.0.7:5003',
      'info others are told another address from now on: http://10.0.0.8:5003',
    ]);
  });

  test('keeps the address while the control plane is away', async () => {
    await using world = await watching(route('10.0.0.7'));
    world.addresses = [];
    world.found = hostName;
    await world.clock.advance(2 * ADDRESS_CHECK_MS);
    expect(world.looks).toBeGreaterThan(1);
    expect(world.watch.url).toBe('http://10.0.0.7:5003');
  });

  test('warns of a host name, and takes an address as soon as there is one', async () => {
    await using world = await watching(hostName);
    expect(world.told).toEqual(['warn others are told this address: http://lxc-101:5003']);
    world.found = route('10.0.0.7');
    await world.watch.refresh();
    expect(world.watch.url).toBe('http://10.0.0.7:5003');
  });
});
