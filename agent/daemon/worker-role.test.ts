import { describe, expect, test } from 'bun:test';
import type { Capabilities } from '#agent/contract/capability';
import { Fault } from '#agent/kit/error';
import { requireLoopbackOrInsecure } from './listen-address';
import { slotsFor } from './worker-role';

const failed = { state: 'failed', error: 'not looked at' } as const;

function withCores(usableCores: number): Capabilities {
  const value = { model: 'x', logicalCores: 8, affinityCores: 8, quotaCores: usableCores, usableCores };
  const cpu = { state: 'present', value, derivation: [], probedAtMs: 0 } as const;
  return { cpu: { ...cpu, derivation: [] }, disk: failed, memory: failed };
}

describe('slotsFor()', () => {
  test('gives one slot a whole usable core, and one at least', () => {
    expect(slotsFor(withCores(6.9))).toBe(6);
    expect(slotsFor(withCores(0.5))).toBe(1);
    expect(slotsFor({ cpu: failed, disk: failed, memory: failed })).toBe(1);
  });
});

describe('requireLoopbackOrInsecure()', () => {
  test('lets loopback through, and others only when told', () => {
    for (const host of ['127.0.0.1', '127.3.2.1', '::1', 'localhost']) {
      requireLoopbackOrInsecure('worker_host', host, false);
    }
    requireLoopbackOrInsecure('worker_host', '0.0.0.0', true);
    for (const host of ['0.0.0.0', '::', '10.0.0.7', '127.0.0.1.example']) {
      expect(() => requireLoopbackOrInsecure('worker_host', host, false)).toThrow(Fault);
    }
  });
});
