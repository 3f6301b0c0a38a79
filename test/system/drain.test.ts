import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { present } from '#agent/kit/assert';
import { Fleet } from '#test/support/fleet';
import { expectWhole, startSweep, unitsDone, untilUnderWay } from '#test/support/sweep-run';
import { waitUntil } from '#test/support/wait-until';

/** Enough that the sweep outlives two restarts. */
const UNITS = 3500;

interface SeenWorker {
  worker_id: string;
  name: string;
  verdict: { state: string; cause: string };
  draining: { reason: string; by: string | null } | null;
  operations: unknown[];
}

async function workers(fleet: Fleet): Promise<Record<'one' | 'two', SeenWorker>> {
  const { body } = await fleet.api('GET', '/api/v1/workers');
  const seen = body['data'] as Array<SeenWorker & { label: string }>;
  const labelled = (label: string): SeenWorker =>
    present(
      seen.find((worker) => worker.label === label),
      label,
    );
  return { one: labelled('agent-1'), two: labelled('agent-2') };
}

/** Attempts of a sweep that a worker was granted so far. */
async function grantsOf(fleet: Fleet, sweep: string, workerId: string): Promise<number> {
  const [row] = await fleet.sql<{ count: number }>(
    `select count(*)::int as count from attempt where operation_id like '${sweep}%' and node_id = '${workerId}'`,
  );
  return present(row, 'a count').count;
}

test('a drained agent ends what it runs and takes nothing more, until it is undrained', async () => {
  await using fleet = await Fleet.start({ agents: 2 });
  const sweep = await startSweep(fleet, UNITS);
  await untilUnderWay(fleet, sweep);
  const { worker_id } = (await workers(fleet)).one;

  // By its label, waiting for the batch that it runs.
  const drained = await fleet.cli(['drain', 'agent-1', '--reason', 'new disk', '--wait', '--json']);
  expect(drained).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(drained.stdout)).toMatchObject({
    worker_id,
    operations: [],
    draining: { reason: 'new disk', by: expect.stringContaining('@') },
    verdict: { state: 'draining', cause: expect.stringMatching(/^new disk, for \d+ s$/) },
    warnings: [],
  });
  const granted = await grantsOf(fleet, sweep, worker_id);
  expect(granted).toBeGreaterThan(0);

  // Survives restarts of the agent and of the control plane, while the other agent goes on.
  const agent = present(fleet.agents[0], 'first agent');
  agent.signal('SIGTERM');
  await agent.ended();
  expect((await workers(fleet)).one.verdict).toMatchObject({
    state: 'stopped',
    cause: expect.stringContaining('draining: new disk'),
  });
  agent.start();
  await fleet.control.kill();
  fleet.control.start();
  await fleet.untilControlAnswers();
  await waitUntil(
    'the drained agent is back',
    async () => (await workers(fleet)).one.verdict.state === 'draining',
    {
      timeoutMs: 20_000,
    },
  );
  const before = await unitsDone(fleet, sweep);
  await waitUntil('the other agent goes on', async () => (await unitsDone(fleet, sweep)) > before, {
    timeoutMs: 20_000,
  });
  expect(await grantsOf(fleet, sweep, worker_id)).toBe(granted);
  const shown = await fleet.cli(['workers']);
  expect(shown.stdout).toMatch(/agent-1\) +draining .*new disk, for/);

  // Draining the last one warns, and says what ends it.
  const last = await fleet.cli(['drain', 'agent-2', '--reason', 'upgrade']);
  expect(last.code).toBe(0);
  expect(last.stderr).toContain('warning: no other agent takes work now');
  const refused = await fleet.cli(['backtest', 'sma_cross', 'WALK', '1m']);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/ktrdr-agent undrain \S+ ends the drain/);
  expect((await fleet.cli(['status'])).stdout).toMatch(/no worker is available: \S+ drains/);

  for (const label of ['agent-1', 'agent-2']) {
    expect(await fleet.cli(['undrain', label])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('takes work again'),
    });
  }
  await waitUntil('the agent claims again', async () => (await grantsOf(fleet, sweep, worker_id)) > granted, {
    timeoutMs: 20_000,
  });
  const { attempts } = await expectWhole(fleet, sweep, UNITS);
  // Nothing was given up, taken back or run twice for it; only the stopped agent had nothing to give back.
  expect(Object.keys(attempts)).toEqual(['completed']);
  expect(fleet.control.log()).toMatch(/worker drains.*reason="new disk"/);
  await fleet.stop();
}, 300_000);

test('who is nobody, or several, is answered with names; without a name it is the agent of this machine', async () => {
  await using fleet = await Fleet.start({ agents: 2 });
  const { one } = await workers(fleet);
  const several = await fleet.cli(['drain', 'agent', '--reason', 'x']);
  expect(several.code).toBe(2);
  expect(several.stderr).toContain('(agent-1)');
  expect(several.stderr).toContain('(agent-2)');
  expect((await fleet.cli(['drain', 'agnet-1', '--reason', 'x'])).stderr).toContain('did you mean agent-1?');
  expect((await fleet.cli(['drain', 'agent-1'])).stderr).toContain("required option '--reason <text>'");
  expect(await fleet.cli(['drain', 'agent-1', '--reason', ' '])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Cannot use nothing as --reason'),
  });
  expect((await fleet.cli(['undrain', one.name])).stdout).toContain('did not drain');
  // These settings are of no agent; those are.
  expect((await fleet.cli(['undrain'])).stderr).toMatch(/identity in \S+ktrdr, or answers at port 5003/);
  const settings = join(fleet.directory, 'agent-1.yaml');
  await Bun.write(settings, `state_dir: ${fleet.directory}/agent-1/state\n`);
  expect(await fleet.cli(['drain', '--reason', 'x', '--settings', settings])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${one.name} (agent-1) drains (x): nothing runs there`),
  });
  expect((await fleet.api('POST', `/api/v1/workers/${one.worker_id}/drain`, {})).status).toBe(422);
  expect((await fleet.api('POST', `/api/v1/workers/${'0'.repeat(32)}/undrain`, {})).status).toBe(404);
  // Who is there is not forgotten.
  const kept = await fleet.cli(['forget', 'agent-1']);
  expect(kept).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`Cannot forget ${one.name}: it is there`),
  });
  expect((await fleet.api('DELETE', `/api/v1/workers/${one.worker_id}`)).status).toBe(409);
  expect((await fleet.api('DELETE', `/api/v1/workers/${'0'.repeat(32)}`)).status).toBe(404);
  await fleet.stop();
}, 120_000);
