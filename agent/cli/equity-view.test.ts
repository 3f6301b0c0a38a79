import { expect, test } from 'bun:test';
import { capturedShell } from '#test/support/captured-shell';
import { showEquity } from './equity-view';
import { createOutput } from './output';

const points = Array.from({ length: 800 }, (_, day) => ({
  time: new Date(Date.UTC(2020, 0, 1 + day)).toISOString(),
  equity: 100_000 * (1 + Math.sin(day / 60) / 5),
}));

function shown(options: Parameters<typeof capturedShell>[0]): string {
  const shell = capturedShell(options);
  showEquity(createOutput(shell, false), points, shell);
  return shell.out;
}

test.each([40, 60, 80, 120])('showEquity() fits %d columns', (columns) => {
  const text = shown({ columns, environment: { LANG: 'C.UTF-8' } });
  expect(text).toContain('Equity, 2020-01-01 to 2022-03-10');
  expect(text).toMatch(/[\u2801-\u28ff]/);
  for (const line of text.split('\n')) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
  // The year as a whole stays, however narrow the terminal is.
  expect(text).toMatch(/YEAR.*ALL/);
});

test('showEquity() has decimals where there is room, and none where not', () => {
  expect(shown({ columns: 120 })).toMatch(/\n2020 .*\d\.\d/);
  expect(shown({ columns: 80 })).not.toMatch(/\n2020 .*\d\.\d/);
});

test('showEquity() draws with stars where the locale has no braille, and never with colour alone', () => {
  const text = shown({ columns: 80, isTty: true, environment: { NO_COLOR: '1', LANG: 'C' } });
  expect(text).toContain('*');
  expect(text).not.toMatch(/[\u2800-\u28ff]/);
  expect(text).not.toContain('\u001b');
});

test('showEquity() of nothing shows nothing', () => {
  const shell = capturedShell();
  showEquity(createOutput(shell, false), [], shell);
  expect(shell.out).toBe('');
});
