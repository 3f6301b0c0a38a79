import { expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attemptFiles, attemptName } from '#agent/worker/attempt-files';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { jobOf, keyOf } from '#test/support/attempts';
import { recordedDelivery } from '#test/support/recorded-delivery';
import { tempDir } from '#test/support/temp-dir';
import { AttemptFollower } from './attempt-follower';

test('an attempt that ended without a readable record is lost, and not waited for', async () => {
  await using folder = await tempDir();
  const attemptDir = join(folder.path, attemptName(keyOf(1)));
  mkdirSync(attemptDir);
  const delivery = recordedDelivery();
  let ended = 0;
  const follower = new AttemptFollower(
    { ...jobOf(1, 'count'), attempt_dir: attemptDir },
    {
      delivery,
      worker: { id: 'f'.repeat(32), name: 'test-agent' },
      clock: systemClock,
      log: silentLog,
      onEnded: () => void ended++,
    },
  );
  // As a write leaves it that a full disk cut short.
  writeFileSync(attemptFiles(attemptDir).exit, '{"outcome":"compl');
  follower.hear({ type: 'ended', attempt: keyOf(1) });
  expect(await follower.done).toBe('delivered');
  expect(delivery.of(attemptName(keyOf(1))).results).toMatchObject([{ outcome: 'lost' }]);
  expect(ended).toBe(1);
});
