import { expect, test } from 'bun:test';
import { capturedShell } from '#test/support/captured-shell';
import { ManualClock } from '#test/support/manual-clock';
import { createProgressLine } from './progress-line';

test('a terminal is redrawn in place, and clean afterwards', async () => {
  const clock = new ManualClock();
  const shell = capturedShell({ isTty: true, columns: 80, clock });
  {
    using line = createProgressLine({ terminal: shell.stderr, clock, unicode: false });
    line.show({ fraction: 0.5 });
    line.show({ fraction: 0.6 });
    await clock.advance(1000);
    line.show({ fraction: 0.7 });
  }
  expect(shell.err).not.toContain('\n');
  expect(shell.err).not.toContain('60 %');
  expect(shell.err).toEndWith('\r\u001b[2K');
});

test('a log gets a line now and then, and none of what is over soon', async () => {
  const clock = new ManualClock();
  const shell = capturedShell({ clock });
  const line = createProgressLine({ terminal: shell.stderr, clock, unicode: false });
  line.show({ fraction: 0.1 });
  expect(shell.err).toBe('');
  await clock.advance(10_000);
  line.show({ fraction: 0.2 });
  await clock.advance(1000);
  line.show({ fraction: 0.3 });
  line.show({ fraction: 1 });
  line.show({ fraction: 1 });
  expect(shell.err.match(/\d+ %/g)).toEqual(['20 %', '100 %']);
  expect(shell.err).not.toContain('\u001b');
});
