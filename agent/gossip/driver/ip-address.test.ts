import { expect, test } from 'bun:test';
import { faultOf } from '#test/support/thrown-fault';
import { ipBytes } from './ip-address';

test.each([
  ['192.168.1.100', 'c0a80164'],
  ['0.0.0.0', '00000000'],
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['fd18:1::2', 'fd180001000000000000000000000002'],
  ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
  ['1::', '00010000000000000000000000000000'],
  ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
])('%s is %s', (host, hex) => {
  expect(Buffer.from(ipBytes(host)).toString('hex')).toBe(hex);
});

test.each(['', 'localhost', 'fe80::1%eth0', '10.0.0', '10.0.0.256', '[::1]'])(
  '%j is refused with the setting',
  (host) => {
    expect(faultOf(() => ipBytes(host))).toMatchObject({
      code: 'settings',
      hint: expect.stringContaining('KTRDR_GOSSIP_ADVERTISE'),
    });
  },
);
