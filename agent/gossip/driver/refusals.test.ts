import { expect, test } from 'bun:test';
import { createLog } from '#agent/kit/log';
import { ManualClock } from '#test/support/manual-clock';
import { Refusals } from './refusals';

function refusals() {
  const clock = new ManualClock();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ level: 'warn', format: 'logfmt', write, nowMs: () => clock.nowMs() });
  return { clock, lines, refusals: new Refusals({ clock, log }) };
}

test('the first packet of another key is told at once, with what to do', () => {
  const { lines, refusals: seen } = refusals();
  seen.count('undecryptable');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('message="packets were refused" undecryptable=1');
  expect(lines[0]).toContain('copy the file of gossip_keyring');
});

test('a flood costs a line a minute, and silence none', async () => {
  const { clock, lines, refusals: seen } = refusals();
  for (let packet = 0; packet < 10_000; packet++) seen.count('malformed');
  expect(lines).toHaveLength(1);
  await clock.advance(60_000);
  seen.report();
  expect(lines[1]).toContain('malformed=10000');
  expect(lines[1]).not.toContain('hint=');
  await clock.advance(600_000);
  seen.report();
  expect(lines).toHaveLength(2);
  expect(seen.counts).toEqual({ malformed: 10_000 });
});
