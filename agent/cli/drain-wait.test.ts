import { afterEach, expect, test } from 'bun:test';
import { createClient } from '#agent/client/client';
import type { Worker } from '#agent/contract/worker';
import { systemClock, type Clock } from '#agent/kit/clock';
import { capturedShell } from '#test/support/captured-shell';
import { workerLike } from '#test/support/worker-like';
import { waitUntilDrained } from './drain-wait';
import { createOutput } from './output';
import { effectiveSettings, type Session } from './session';

/** The waits between two looks are not the matter here. */
const quick: Clock = {
  nowMs: () => systemClock.nowMs(),
  bootMs: () => systemClock.bootMs(),
  sleep: (_ms, signal) => systemClock.sleep(1, signal),
};

const draining = { reason: 'new disk', since: '2026-01-31T23:59:59Z', by: null };

function worker(held: number, drain: Worker['draining'] = draining): Worker {
  const operations = Array.from({ length: held }, (_, index) => ({
    operation_id: `op_sweep_20260131_235959_0000000${index}`,
    epoch: 1,
  }));
  return { ...workerLike('1a', 'lxc-101', 'agent-1'), operations, draining: drain };
}

type Answer = Worker | 'away';
const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

/** A control plane that says one thing after another, the last one for ever. */
function sessionWith(answers: Answer[], abort?: AbortController): Session & { err(): string } {
  let asked = 0;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (asked >= answers.length) abort?.abort('SIGINT');
      if (answer === 'away') return new Response('starting', { status: 503 });
      return Response.json({ success: true, data: answer });
    },
  });
  servers.push(server);
  const shell = {
    ...capturedShell({ clock: quick }),
    ...(abort === undefined ? {} : { signal: abort.signal }),
  };
  const written = { text: '' };
  const stderr = { ...shell.stderr, isTty: true, write: (text: string) => void (written.text += text) };
  const { settings, fleet } = effectiveSettings(
    { uid: 1000, environment: { HOME: '/home/ann', KTRDR_DEV_DIR: '/none' } },
    {},
  );
  return {
    shell,
    client: createClient({ url: `http://127.0.0.1:${server.port}`, token: 'x'.repeat(40), clock: quick }),
    output: createOutput({ ...shell, stderr }, false),
    settings,
    fleet,
    err: () => written.text,
  };
}

test('waits for the last operation, also across an outage, and says how many are left', async () => {
  const session = sessionWith([worker(2), 'away', worker(1), worker(0)]);
  const last = await waitUntilDrained(session, worker(2));
  expect(last.operations).toEqual([]);
  expect(session.err()).toContain('2 operations left on lxc-101');
});

test('an agent that holds nothing is not waited for', async () => {
  expect(await waitUntilDrained(sessionWith(['away']), worker(0))).toMatchObject({ name: 'lxc-101' });
});

test('ends when somebody ends the drain', async () => {
  const waiting = waitUntilDrained(sessionWith([worker(2), worker(2, null)]), worker(2));
  await expect(waiting).rejects.toMatchObject({
    code: 'conflict',
    hint: expect.stringContaining('drain lxc-101'),
  });
});

test('ends at Ctrl-C with its reason', async () => {
  const waiting = waitUntilDrained(sessionWith([worker(2), worker(2)], new AbortController()), worker(2));
  expect(await waiting.catch((error: unknown) => error)).toBe('SIGINT');
});
