import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { jobOf } from '#test/support/attempts';
import { tempDir } from '#test/support/temp-dir';
import type { ExitRecord } from '#agent/contract/job';
import { buildInfo } from '#agent/kit/build-info';
import { binarySha256, provenanceOf, sha256OfFile } from './provenance';

const exit: ExitRecord = {
  outcome: 'completed',
  error: null,
  exit_code: null,
  signal: null,
  result_sha256: 'b'.repeat(64),
  build: { ...buildInfo },
  units_spooled: 0,
  log_lines: 0,
  log_lines_dropped: 0,
  ended_at: '2026-01-31T00:00:00.000Z',
};
const worker = { id: 'f'.repeat(32), name: 'one' };

test('sha256OfFile() is the hash of a file larger than its pieces', async () => {
  await using folder = await tempDir();
  const path = join(folder.path, 'binary');
  const bytes = new Uint8Array(9_000_001).fill(7);
  await Bun.write(path, bytes);
  expect(await sha256OfFile(path)).toBe(new Bun.CryptoHasher('sha256').update(bytes).digest('hex'));
  expect(await binarySha256()).toBe('source');
});

test('provenanceOf() names the binary of this build, and none of another build or of no build', async () => {
  const { grant } = jobOf(1, 'count');
  const ours = await provenanceOf(grant, exit, worker);
  expect(ours).toMatchObject({
    binary_sha256: 'source',
    result_sha256: exit.result_sha256,
    worker_name: 'one',
  });
  const other = { ...exit, build: { ...buildInfo, commit: 'another' } };
  expect((await provenanceOf(grant, other, worker))?.binary_sha256).toBe('unknown');
  expect(await provenanceOf(grant, { ...exit, build: null }, worker)).toBeNull();
});
