import { describe, expect, test } from 'bun:test';
import {
  addressFamily,
  isLinkLocalAddress,
  isLoopbackAddress,
  isWildcard,
  plainAddress,
  urlHost,
} from './ip-address';

describe('addresses', () => {
  test.each([
    ['0.0.0.0', { wildcard: true, family: 4 }],
    ['::', { wildcard: true, family: 6 }],
    ['[::]', { wildcard: true, family: 6 }],
    ['127.0.0.1', { loopback: true, family: 4 }],
    ['127.3.2.1', { loopback: true, family: 4 }],
    ['::1', { loopback: true, family: 6 }],
    ['[::1]', { loopback: true, family: 6 }],
    ['localhost', { loopback: true, family: null }],
    ['127.0.0.1.example', { family: null }],
    ['169.254.7.7', { linkLocal: true, family: 4 }],
    ['fe80::1', { linkLocal: true, family: 6 }],
    ['FEBF::1', { linkLocal: true, family: 6 }],
    ['fe80::1%eth0', { linkLocal: true, family: 6 }],
    ['fec0::1', { family: 6 }],
    ['fd00::2', { family: 6 }],
    ['10.0.0.7', { family: 4 }],
    ['worker-1', { family: null }],
  ])('%s is %o', (address: string, expected: object) => {
    const found: object = {
      wildcard: isWildcard(address),
      loopback: isLoopbackAddress(address),
      linkLocal: isLinkLocalAddress(address),
      family: addressFamily(address),
    };
    expect(found).toEqual({ wildcard: false, loopback: false, linkLocal: false, ...expected });
  });

  test.each([
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:1', '::ffff:1'],
    ['10.0.0.7', '10.0.0.7'],
  ])('plainAddress(%j) is %j', (address, plain) => {
    expect(plainAddress(address)).toBe(plain);
  });

  test.each([
    ['::1', '[::1]'],
    ['[::1]', '[::1]'],
    ['10.0.0.7', '10.0.0.7'],
    ['worker-1', 'worker-1'],
  ])('urlHost(%j) is %j', (host, written) => {
    expect(urlHost(host)).toBe(written);
  });
});
