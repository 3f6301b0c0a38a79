import { expect, test } from 'bun:test';
import type { KeyStep } from '#agent/contract/gossip';
import { createOutput } from '#agent/cli/output';
import { capturedShell } from '#test/support/captured-shell';
import { readKey } from './key-file';
import { isDone, isEven, showKeys, showSteps } from './key-view';

const done: KeyStep = {
  step: 'install',
  succeeded: 3,
  members: 3,
  failures: {},
  held: { '1a2b3c4d': 3 },
  sealing: { '1a2b3c4d': 3 },
};

function shown(show: (output: ReturnType<typeof createOutput>) => void): string {
  const shell = capturedShell({ environment: { NO_COLOR: '1' } });
  show(createOutput(shell, false));
  return shell.out;
}

test('a step that one member missed names it, says that nothing is lost, and what to do next', () => {
  const missed = { ...done, succeeded: 2, failures: { 'lxc-101-1a2b3c4f': 'it did not answer' } };
  expect(isDone(missed)).toBe(false);
  const text = shown((output) => showSteps(output, 'rotate', [missed]));
  expect(text).toStartWith('install 2 of 3  NOT DONE\n  lxc-101-1a2b3c4f: it did not answer\n');
  expect(text).toContain('Everybody still seals with the former key');
  expect(text).toContain('ktrdr-agent leave NAME');
  expect(text).toEndWith('then again: ktrdr-agent keys rotate\n');
});

test('a whole rotation says so, and nothing about next steps', () => {
  const steps = (['install', 'use', 'remove'] as const).map((step) => ({ ...done, step }));
  const text = shown((output) => showSteps(output, 'rotate', steps));
  expect(text).toBe(
    'install 3 of 3  done\nuse     3 of 3  done\nremove  3 of 3  done\nAll 3 seal with 1a2b3c4d; the former key is gone.\n',
  );
});

test('keys that differ are shown as such', () => {
  const uneven = { ...done, held: { '1a2b3c4d': 3, ffffffff: 1 } };
  expect([isEven(done), isEven(uneven)]).toEqual([true, false]);
  expect(shown((output) => showKeys(output, done))).toBe(
    'KEY       HELD BY  SEALS AT\n1a2b3c4d   3 of 3    3 of 3\n',
  );
  expect(shown((output) => showKeys(output, uneven))).toContain('Not all hold the same');
});

test('a key comes from a file or stdin, and no refusal repeats it', async () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const shell = { ...capturedShell(), stdin: () => new Blob([`${key}\n`]).stream() };
  expect(await readKey(shell, '-')).toBe(key);
  const twice = { ...shell, stdin: () => new Blob([`${key} ${key}`]).stream() };
  const refusal = await readKey(twice, '-').catch((error: unknown) => String(error));
  expect(refusal).toContain('it is not one key in base64');
  expect(refusal).not.toContain(key.slice(0, 20));
  expect(readKey(shell, '/nonexistent')).rejects.toThrow('Cannot read the key of /nonexistent: ENOENT');
});
