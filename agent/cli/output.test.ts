import { expect, test } from 'bun:test';
import { AssertionError } from '#agent/kit/assert';
import { Fault } from '#agent/kit/error';
import { capturedShell } from '#test/support/captured-shell';
import { createOutput, printError } from './output';

test('text goes to stdout, remarks to stderr', () => {
  const shell = capturedShell();
  const output = createOutput(shell, false);
  output.line('result');
  output.note('remark');
  output.document({ not: 'shown' });
  expect([shell.out, shell.err]).toEqual(['result\n', 'remark\n']);
});

test('with --json stdout is one document and nothing else', () => {
  const shell = capturedShell();
  const output = createOutput(shell, true);
  output.line('text');
  output.note('remark');
  output.table([{ a: 1 }], [{ header: 'A', cell: ({ a }) => String(a) }]);
  output.progress().show({ fraction: 0.5 });
  output.document({ a: 1 });
  expect(JSON.parse(shell.out)).toEqual({ a: 1 });
  expect(shell.err).toBe('');
});

test('colours are for terminals that want them', () => {
  const coloured = (isTty: boolean, environment: Record<string, string>): boolean =>
    createOutput(capturedShell({ isTty, environment }), false).style.bad('x') !== 'x';
  expect(coloured(true, {})).toBe(true);
  expect(coloured(false, {})).toBe(false);
  expect(coloured(true, { NO_COLOR: '1' })).toBe(false);
  expect(coloured(true, { NO_COLOR: '', TERM: 'dumb' })).toBe(false);
  expect(coloured(false, { FORCE_COLOR: '1' })).toBe(true);
  expect(coloured(true, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  expect(coloured(true, { FORCE_COLOR: '0' })).toBe(false);
  expect(coloured(true, { CLICOLOR: '0' })).toBe(false);
  expect(coloured(false, { CLICOLOR: '0', CLICOLOR_FORCE: '1' })).toBe(true);
  expect(coloured(false, { CLICOLOR_FORCE: '0' })).toBe(false);
});

const refusals = [
  { worker_id: 'w', worker_name: 'lxc-101', reason: 'it is lost', fix: 'start it again', temporary: false },
];

test('a fault is its message, why each agent refused, and what to do', () => {
  const shell = capturedShell();
  const fault = new Fault('no_workers', 'Cannot start: no worker', {
    hint: 'add one',
    details: { refusals },
  });
  expect(printError(shell, fault, false)).toBe(1);
  expect(shell.err.split('\n')).toEqual([
    'error: Cannot start: no worker',
    'AGENT    WHY         FIX',
    'lxc-101  it is lost  start it again',
    'hint: add one',
    '',
  ]);
  expect(shell.out).toBe('');
});

test('with --json an error is a document too', () => {
  const shell = capturedShell();
  const fault = new Fault('no_workers', 'Cannot start: no worker', {
    hint: 'add one',
    details: { refusals },
  });
  printError(shell, fault, true);
  expect(JSON.parse(shell.err)).toEqual({
    success: false,
    code: 'no_workers',
    detail: 'Cannot start: no worker',
    hint: 'add one',
    retryable: true,
    details: { refusals },
    exit_code: 1,
  });
});

test('a bug shows its stack and exits 70, wrong input does neither', () => {
  const shell = capturedShell();
  expect(printError(shell, new AssertionError('impossible'), false)).toBe(70);
  expect(shell.err).toContain('output.test.ts');
  const clean = capturedShell();
  expect(printError(clean, new Fault('bad_request', 'Cannot read it: no'), false)).toBe(2);
  expect(clean.err).toBe('error: Cannot read it: no\n');
});

test('a message of foreign origin cannot command the terminal', () => {
  const shell = capturedShell();
  printError(shell, new Fault('invalid', 'Cannot \u001b[2J\nread'), false);
  expect(shell.err).toBe('error: Cannot  read\n');
});
