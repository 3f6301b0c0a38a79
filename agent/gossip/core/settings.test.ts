import { expect, test } from 'bun:test';
import { LAN, LOCAL, pushPullIntervalMs, retransmitLimit, WAN } from './settings';

test.each([
  [1, 4],
  [9, 4],
  [10, 8],
  [30, 8],
  [100, 12],
  [1000, 16],
  [10_000, 20],
])('retransmitLimit() of %i members is %i', (members, limit) => {
  expect(retransmitLimit(LAN.retransmitMult, members)).toBe(limit);
});

test.each([
  [1, 30],
  [32, 30],
  [33, 60],
  [64, 60],
  [65, 90],
  [1000, 180],
  [10_000, 300],
])('pushPullIntervalMs() of %i members is %i s', (members, seconds) => {
  expect(pushPullIntervalMs(LAN.pushPullIntervalMs, members)).toBe(seconds * 1000);
});

test.each([
  ['LAN', LAN],
  ['WAN', WAN],
  ['LOCAL', LOCAL],
])('%s asks helpers well before the verdict', (_name, settings) => {
  expect(settings.probeTimeoutMs * 1.5).toBeLessThan(settings.probeIntervalMs);
  expect(settings.limits.repliesPerPacketMax).toBe(1 + LAN.indirectChecks);
});
