import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '#agent/client/client';
import { systemClock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { silentLog } from '#agent/kit/log';
import { createMetrics } from '#agent/kit/metrics';
import { systemRng } from '#agent/kit/rng';
import { ControlPeer, PEER_TOKEN, problem } from '#test/support/control-peer';
import { smallDisk, smallDiskMissing } from '#test/support/small-disk';
import { tempDir } from '#test/support/temp-dir';
import { BarsCache, type BarsCacheOptions } from './bars-cache';
import { controlApi } from './control-client';
import { workerMetrics } from './worker-metrics';

const levels = { slots: () => 1, freeSlots: () => 1, active: () => 0, reachable: () => true };

/** Of bytes instead of columns: what the hash means is not the cache's business. */
async function sha256(path: string): Promise<string> {
  return sha256Of(await Bun.file(path).bytes());
}

function sha256Of(bytes: Uint8Array | string): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex');
}

function cacheOn(directory: string, peer: ControlPeer, changes: Partial<BarsCacheOptions> = {}): BarsCache {
  return new BarsCache({
    directory,
    api: controlApi(createClient({ url: peer.url, token: PEER_TOKEN })),
    hashFile: sha256,
    inUse: () => new Set(),
    clock: systemClock,
    rng: systemRng,
    log: silentLog,
    metrics: workerMetrics(createMetrics(), levels),
    ...changes,
  });
}

const { signal } = new AbortController();
const BYTES = new Uint8Array(300_000).map((_, index) => index % 251);
const HASH = sha256Of(BYTES);

const diskMissing = await smallDiskMissing('BarsCache on a full disk');

describe('BarsCache', () => {
  test('downloads once for many callers, and never again', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    peer.bars = () => new Response(BYTES);
    const directory = join(folder.path, 'made', 'bars');
    await using cache = cacheOn(directory, peer);
    const paths = await Promise.all([1, 2, 3].map(() => cache.fetch(HASH, signal)));
    expect(new Set(paths)).toEqual(new Set([join(directory, `${HASH}.arrow`)]));
    expect(new Uint8Array(readFileSync(paths[0] ?? ''))).toEqual(BYTES);
    await cache.fetch(HASH, signal);
    await using other = cacheOn(directory, peer);
    await other.fetch(HASH, signal);
    expect(peer.barsRequests).toBe(1);
    expect(readdirSync(directory)).toEqual([`${HASH}.arrow`]);
  });

  test('fetches again what was damaged on the way', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    peer.bars = () => new Response(peer.barsRequests === 1 ? 'damaged' : BYTES);
    await using cache = cacheOn(folder.path, peer);
    await cache.fetch(HASH, signal);
    expect(peer.barsRequests).toBe(2);
  });

  test('gives up on other bars, and leaves no file of them', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    peer.bars = () => new Response('other bars');
    await using cache = cacheOn(folder.path, peer);
    await expect(cache.fetch(HASH, signal)).rejects.toThrow(`Cannot use bars ${HASH}: its data hash is`);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('waits for a control plane that is away, and ends at once when there are no such bars', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    peer.bars = () => (peer.barsRequests < 3 ? problem('unavailable', 503) : new Response(BYTES));
    await using cache = cacheOn(folder.path, peer);
    await cache.fetch(HASH, signal);
    expect(peer.barsRequests).toBe(3);
    peer.bars = () => problem('not_found', 404);
    const missing = cache.fetch('b'.repeat(64), signal);
    await expect(missing).rejects.toMatchObject({ code: 'not_found' });
    expect(peer.barsRequests).toBe(4);
  });

  test('ends a download when its last caller gives up, and not before', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    let available = false;
    peer.bars = () => (available ? new Response(BYTES) : problem('unavailable', 503));
    await using cache = cacheOn(folder.path, peer);
    const [first, second] = [new AbortController(), new AbortController()];
    const gone = cache.fetch(HASH, first.signal);
    const stays = cache.fetch(HASH, second.signal);
    first.abort(new Fault('conflict', 'cancelled'));
    await expect(gone).rejects.toThrow('cancelled');
    available = true;
    expect(await stays).toBe(join(folder.path, `${HASH}.arrow`));
  });

  test('evicts the least recently used, but nothing fresh, in use or just fetched', async () => {
    await using folder = await tempDir();
    await using peer = new ControlPeer();
    peer.bars = () => new Response(BYTES);
    mkdirSync(folder.path, { recursive: true });
    const [used, old, older, fresh] = ['1', '2', '3', '4'].map((digit) => digit.repeat(64));
    const age = { [`${used}`]: 4000, [`${old}`]: 2000, [`${older}`]: 3000, [`${fresh}`]: 1 };
    for (const [hash, ageS] of Object.entries(age)) {
      const path = join(folder.path, `${hash}.arrow`);
      writeFileSync(path, new Uint8Array(100_000));
      const at = Date.now() / 1000 - ageS;
      utimesSync(path, at, at);
    }
    writeFileSync(join(folder.path, 'notes.txt'), 'not ours');
    await using cache = cacheOn(folder.path, peer, {
      bytesMax: 650_000,
      inUse: () => new Set([`${used}`]),
    });
    await cache.fetch(HASH, signal);
    const kept = (hash: string | undefined) => existsSync(join(folder.path, `${hash}.arrow`));
    expect([used, old, older, fresh, HASH].map(kept)).toEqual([true, true, false, true, true]);
    expect(existsSync(join(folder.path, 'notes.txt'))).toBe(true);
  });

  test('says that the disk does not take the file', async () => {
    await using peer = new ControlPeer();
    peer.bars = () => new Response(BYTES);
    await using cache = cacheOn('/proc/no-such-directory', peer);
    await expect(cache.fetch(HASH, signal)).rejects.toMatchObject({ code: 'environment' });
  });

  test.skipIf(diskMissing)('gives up at once on a full disk, so that the work goes elsewhere', async () => {
    await using disk = await smallDisk(1);
    await Bun.write(join(disk.path, 'full'), new Uint8Array(2 ** 20)).catch(() => undefined);
    await using peer = new ControlPeer();
    peer.bars = () => new Response(BYTES);
    await using cache = cacheOn(disk.path, peer);
    await expect(cache.fetch(HASH, signal)).rejects.toMatchObject({ code: 'disk_full' });
  });
});
