import { describe, expect, test } from 'bun:test';
import { abortable } from './abortable';

describe('abortable()', () => {
  test('gives what the work gives while the signal is quiet', async () => {
    const { signal } = new AbortController();
    expect(await abortable(Promise.resolve(7), signal)).toBe(7);
    await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  });

  test('rejects with the reason of the signal, also of one that aborted before', async () => {
    const controller = new AbortController();
    const never = Promise.withResolvers<never>().promise;
    const waiting = abortable(never, controller.signal);
    controller.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    await expect(abortable(never, controller.signal)).rejects.toThrow('stop');
  });

  test('takes care of work that fails afterwards', async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    await expect(abortable(promise, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    reject(new Error('too late'));
    await Bun.sleep(0);
  });
});
