import { expect, test } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import type { DeliveredLine } from '#agent/worker/attempts/delivery';
import { LogTail } from '#agent/worker/attempts/log-tail';
import { systemClock } from '#agent/kit/clock';
import { AttemptLog } from './attempt-log';

const BOUNDS = { headBytes: 1_000, tailBytes: 500 };

function readAll(tail: LogTail): DeliveredLine[] {
  const lines: DeliveredLine[] = [];
  for (let next = tail.read(3); next.length > 0; next = tail.read(3)) lines.push(...next);
  return lines;
}

test('AttemptLog keeps the head and the last segments, and counts what it drops', async () => {
  await using folder = await tempDir();
  using log = new AttemptLog(folder.path, systemClock, BOUNDS);
  for (let i = 0; i < 500; i++) log.append('stdout', `line ${i}`);
  const sizes = readdirSync(folder.path).map((name) => statSync(join(folder.path, name)).size);
  expect(sizes).toHaveLength(3);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(2_000);

  const lines = readAll(new LogTail(folder.path));
  const said = lines.filter(({ stream }) => stream === 'system');
  expect(said.map(({ line }) => line)).toEqual([`${log.dropped} lines dropped`]);
  expect(lines[0]?.line).toBe('line 0');
  expect(lines.at(-1)?.line).toBe('line 499');
  expect(lines.length - 1 + log.dropped).toBe(500);
  expect(log.lines).toBe(500);
  expect(new Set(lines.map(({ seq }) => seq)).size).toBe(lines.length);
});

test('a reader that keeps up misses nothing, whatever the shim deletes behind it', async () => {
  await using folder = await tempDir();
  using log = new AttemptLog(folder.path, systemClock, BOUNDS);
  const tail = new LogTail(folder.path);
  const heard: string[] = [];
  for (let i = 0; i < 300; i++) {
    log.append('stderr', `line ${i}`);
    heard.push(...tail.read(10).map(({ line }) => line));
  }
  heard.push(...readAll(tail).map(({ line }) => line));
  expect(heard).toEqual(Array.from({ length: 300 }, (_, i) => `line ${i}`));
  expect(log.dropped).toBeGreaterThan(0);
});

test('a line longer than a segment is kept', async () => {
  await using folder = await tempDir();
  using log = new AttemptLog(folder.path, systemClock, BOUNDS);
  log.append('stdout', 'x'.repeat(2_000));
  log.append('stdout', 'short');
  expect(readAll(new LogTail(folder.path)).map(({ line }) => line.length)).toEqual([2_000, 5]);
});
