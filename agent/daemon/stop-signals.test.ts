import { describe, expect, test } from 'bun:test';
import { silentLog } from '#agent/kit/log';
import { waitUntil } from '#test/support/wait-until';
import { stopSignals } from './stop-signals';

describe('stopSignals()', () => {
  test('asks at the first signal, ends at the second, and lets go afterwards', async () => {
    const codes: number[] = [];
    const before = process.listenerCount('SIGTERM');
    {
      using signals = stopSignals({ log: silentLog, exit: (code) => void codes.push(code) });
      process.kill(process.pid, 'SIGTERM');
      await signals.wait;
      expect(signals.stopped.aborted).toBe(true);
      expect(codes).toEqual([]);
      process.kill(process.pid, 'SIGINT');
      await waitUntil('the second signal', () => codes.length === 1);
      expect(codes).toEqual([130]);
    }
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
