import { describe, expect, test } from 'bun:test';
import { Fault } from '#agent/kit/error';
import { requireLoopbackOrInsecure } from './listen-address';

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
