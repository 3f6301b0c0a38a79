import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tempDir } from '#test/support/temp-dir';
import { waitUntil } from '#test/support/wait-until';
import { systemClock } from './clock';
import { Fault } from './error';
import { exec } from './exec';
import { descendants, processIdentity, waitForExit } from './process';

const timeoutMs = 10_000;
const isLinux = process.platform === 'linux';
if (!isLinux) console.log('skipped: whether a tree is gone is read from /proc, which is Linux only');

test('exec() gives code, stdout and stderr; a failing command is no fault', async () => {
  const result = await exec(['sh', '-c', 'echo out; echo err >&2; exit 3'], { timeoutMs });
  expect(result).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
});

test('exec() reports the signal that ended the command as 128 + its number', async () => {
  expect(await exec(['sh', '-c', 'kill -TERM $$'], { timeoutMs })).toMatchObject({ code: 143 });
});

test('exec() passes stdin, working directory and the whole environment', async () => {
  const options = {
    timeoutMs,
    stdin: 'in',
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', ONE: '1' },
  };
  const { stdout } = await exec(['sh', '-c', 'cat; echo; pwd; echo "$ONE-$HOME"'], options);
  expect(stdout).toBe(`in\n${realpathSync(tmpdir())}\n1-\n`);
});

test('exec() gives an empty stdin when none is asked for', async () => {
  expect(await exec(['cat'], { timeoutMs })).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.skipIf(!isLinux)('exec() kills the tree of a command that takes too long', async () => {
  await using folder = await tempDir();
  const script = 'sleep 60 & echo $! > pid; wait';
  const fault = await faultOf(exec(['sh', '-c', script], { timeoutMs: 500, cwd: folder.path }));
  expect(fault.code).toBe('timeout');
  expect(fault.message).toBe(`Cannot run sh -c ${script}: no end after 0.5 s`);
  const pid = Number(await Bun.file(join(folder.path, 'pid')).text());
  expect(pid).toBeGreaterThan(1);
  await waitUntil('the end of the grandchild', () => processIdentity(pid) === undefined);
});

const FREEZER = '/sys/fs/cgroup/freezer';
const canFreeze = isLinux && process.getuid?.() === 0 && existsSync(join(FREEZER, 'cgroup.procs'));
if (!canFreeze)
  console.log('skipped: a process that SIGKILL does not end needs root and a version 1 freezer');

test.skipIf(!canFreeze)(
  'exec() does not wait for a process that cannot be killed, and names it',
  async () => {
    const group = join(FREEZER, `kt-${process.pid}`);
    mkdirSync(group);
    try {
      // It freezes itself: a frozen process gets no signal, like one that hangs in a driver.
      const script = `echo $$ > ${group}/cgroup.procs; echo FROZEN > ${group}/freezer.state`;
      const started = performance.now();
      const fault = await faultOf(exec(['sh', '-c', script], { timeoutMs: 300 }));
      expect(performance.now() - started).toBeLessThan(5_000);
      const pid = Number(readFileSync(join(group, 'cgroup.procs'), 'utf8').trim());
      expect(fault).toMatchObject({ code: 'timeout', details: { pid } });
      expect(fault.message).toContain(`process ${pid} hangs in the kernel`);
    } finally {
      writeFileSync(join(group, 'freezer.state'), 'THAWED');
      await waitUntil(
        'the end of the process',
        () => readFileSync(join(group, 'cgroup.procs'), 'utf8') === '',
      );
      rmdirSync(group);
    }
  },
);

test('exec() refuses a flood on stdout, and cuts one on stderr', async () => {
  const fault = await faultOf(exec(['yes'], { timeoutMs, maxOutputBytes: 100 }));
  expect(fault).toMatchObject({
    code: 'environment',
    message: 'Cannot run yes: it printed more than 100 bytes',
  });
  const exact = await exec(['printf', '12345'], { timeoutMs, maxOutputBytes: 5 });
  expect(exact.stdout).toBe('12345');
  const cut = await exec(['sh', '-c', 'printf 123456789 >&2'], { timeoutMs, maxOutputBytes: 5 });
  expect(cut.stderr).toBe('12345');
});

test('exec() says what to install when there is no such command', async () => {
  const fault = await faultOf(exec(['no-such-command', '--flag'], { timeoutMs }));
  expect(fault).toMatchObject({
    code: 'environment',
    message: 'Cannot run no-such-command --flag: no such command',
    hint: 'install no-such-command, or put it on PATH',
  });
});

test.skipIf(!isLinux)('exec() ends the command when the signal aborts', async () => {
  const controller = new AbortController();
  const reason = new Error('the operator changed their mind');
  const running = exec([process.execPath, '-e', 'setInterval(() => {}, 1000)'], {
    timeoutMs,
    signal: controller.signal,
  });
  const [child] = descendants(process.pid);
  const identity = child === undefined ? undefined : processIdentity(child);
  controller.abort(reason);
  expect(await running.catch((error: unknown) => error)).toBe(reason);
  expect(identity && (await waitForExit(identity, { clock: systemClock, timeoutMs }))).toBe(true);
  expect(
    await exec(['true'], { timeoutMs, signal: controller.signal }).catch((error: unknown) => error),
  ).toBe(reason);
});

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Fault) return error;
  throw new Error(`expected a fault, got ${String(error)}`);
}
